/** What there is to be captured, and what of it waits when a drain begins. */
import { queryAt } from '../bridge.ts';

export interface Capture {
  /** Captured as changes: `schema.table`. */
  readonly tables: readonly string[];
  /** Of the events in `public.outbox`, each with a topic of its own; none: there is no outbox. */
  readonly aggregateTypes: readonly string[];
  /** Whether a drain is the stream since its slot was made, or the tables as they were before. */
  readonly source: 'stream' | 'snapshot';
}

export interface Workload extends Capture {
  /** Tables, procedures and rows that no slot is to send. Before slots are made. */
  prepare(databaseUrl: string): Promise<void>;
  /** Writes what waits. After slots are made. */
  write(databaseUrl: string): Promise<Backlog>;
}

export interface Backlog {
  readonly transactions: number;
  /** Rows of the captured tables. */
  readonly changes: number;
  /** Rows of the outbox. */
  readonly events: number;
  /** Its last transaction, as END and the header have it: the low 32 bits. */
  readonly lastXid: number;
}

/** What everybody publishes who is not us: all of it; and for whoever divides it, the outbox and the rest. */
export const publications = { all: 'bench', changes: 'bench_changes', events: 'bench_events' } as const;

/** The tables as Debezium's connector has them, which takes the outbox for one more. */
export const tablesWithOutbox = ({ tables, aggregateTypes }: Capture): string[] =>
  aggregateTypes.length === 0 ? [...tables] : [...tables, 'public.outbox'];

export async function createPublications(databaseUrl: string, capture: Capture): Promise<void> {
  const creation = (name: string, tables: readonly string[]) =>
    tables.length === 0
      ? ''
      : `create publication ${name} for table ${tables.join(', ')} with (publish_via_partition_root = true);`;
  await queryAt(
    databaseUrl,
    creation(publications.all, tablesWithOutbox(capture)) +
      creation(publications.changes, capture.tables) +
      creation(publications.events, capture.aggregateTypes.length === 0 ? [] : ['public.outbox']),
  );
}

/** The low 32 bits of the `xid` that a statement selects. */
export async function lastXidOf(databaseUrl: string, statement: string): Promise<number> {
  const [row] = await queryAt<{ xid: string }>(databaseUrl, statement);
  if (row === undefined) throw new Error('the last transaction is not known');
  return Number(BigInt(row.xid) & 0xffff_ffffn);
}

/** For sessions whose commits do not wait for the disk: a backlog is written as fast as it goes. */
export function unsynchronised(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.searchParams.set('options', '-c synchronous_commit=off');
  return url.href;
}
