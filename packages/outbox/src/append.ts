/** The writing side of the outbox: events go in with the rows that they speak of, in the caller's own transaction. */
import { assert, present } from '@diptych/runtime/assert';
import { sayContextSql } from '@diptych/wal/writer-context';
import { v7 as uuidv7 } from 'uuid';
import { type Contract, describePaths, type EventOf, type Telling } from './contract.ts';
import { type Emission, type EventRow, emit } from './emission.ts';
import { type Aggregate, advanceHead } from './heads.ts';
import { type OutboxTransaction, portOf } from './port.ts';

export interface AppendOptions<C extends Contract> {
  readonly aggregate: Aggregate;
  /** One, or at least one. */
  readonly events: EventOf<C> | readonly EventOf<C>[];
  readonly contract: C;
  /** Left out: append wherever the aggregate is. */
  readonly expectedVersion?: bigint;
  /** Told of all these events. */
  readonly telling?: Telling;
  /** How the events get into the WAL. Default: they are kept in the table `outbox`. */
  readonly emission?: Emission;
  /** Where the versions are kept, `schema.table` or `table`. Default `outbox_heads`. */
  readonly heads?: string;
  /**
   * Says besides who writes (application name, user, client address), once per transaction: one more statement. Default
   * false. `diptych audit` names the writers of what carries no event; where `diptych audit install` was run, the
   * database says it by itself.
   */
  readonly context?: boolean;
}

export type Appended =
  | {
      readonly ok: true;
      readonly ids: readonly string[];
      readonly firstVersion: bigint;
      readonly version: bigint;
    }
  | { readonly ok: false; readonly reason: 'version-conflict' };

const keptInOutbox: Emission = { tag: 'table', table: 'outbox' };

/**
 * Appends events of one aggregate inside the caller's transaction: of drizzle-orm, of a `pg` client, or of any other
 * library by its port (docs/outbox.md). Their versions follow each other without gaps, from the aggregate's head on;
 * their ids are UUIDv7. A head that is not at `expectedVersion` (0: none may be there) is a conflict, returned as a value
 * with nothing written. Throws AssertionError for an event that the contract does not know or whose payload it refuses,
 * naming the field: the caller's transaction must not go on.
 */
export async function append<const C extends Contract>(
  tx: OutboxTransaction,
  options: AppendOptions<C>,
): Promise<Appended> {
  const { aggregate, contract, expectedVersion, telling = {}, heads = 'outbox_heads' } = options;
  const events: readonly EventOf<C>[] = isMany(options.events) ? options.events : [options.events];
  const told = await Promise.all(events.map((event) => validated(event, { contract, telling })));
  const port = portOf(tx);
  const version = await advanceHead(port, { heads, aggregate, count: told.length, expectedVersion });
  if (version === undefined) return { ok: false, reason: 'version-conflict' };
  const firstVersion = version - BigInt(told.length - 1);
  const rows: EventRow[] = told.map((event, index) => ({
    ...event,
    id: uuidv7(),
    aggregatetype: aggregate.type,
    aggregateid: aggregate.id,
    aggregateversion: firstVersion + BigInt(index),
  }));
  await emit(port, options.emission ?? keptInOutbox, rows);
  if (options.context) await port.rows(sayContextSql, []);
  return { ok: true, ids: rows.map(({ id }) => id), firstVersion, version };
}

function isMany<C extends Contract>(
  events: EventOf<C> | readonly EventOf<C>[],
): events is readonly EventOf<C>[] {
  return Array.isArray(events);
}

/** The columns that the event itself determines. What the schema returns is written, so nothing else gets in. */
async function validated(
  { type, payload, headers }: EventOf<Contract>,
  { contract, telling }: { contract: Contract; telling: Telling },
): Promise<Pick<EventRow, 'type' | 'typeversion' | 'payload' | 'headers'>> {
  const { schema, typeversion } = present(
    Object.hasOwn(contract, type) ? contract[type] : undefined,
    `the contract of event ${type}`,
  );
  const result = await schema['~standard'].validate(payload);
  assert(!result.issues, `payload of ${type} breaks its contract: ${describePaths(result.issues ?? [])}`);
  const json = stringify(result.value);
  assert(json !== undefined, `payload of ${type} is nothing that JSON has`);
  const given = Object.entries(telling).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return { type, typeversion, payload: json, headers: { ...Object.fromEntries(given), ...headers } };
}

// TypeScript's library does not know the proposal that Node 24 implements.
const json = JSON as unknown as { rawJSON(text: string): unknown };

/** JSON in which a bigint is an integer of all its digits: jsonb keeps them. */
function stringify(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'bigint' ? json.rawJSON(part.toString()) : part,
  );
}
