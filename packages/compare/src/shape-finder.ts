/**
 * Learns which shapes of row change there are, and how often each travels with which events. Bounded: by the number of
 * shapes and of what is remembered of each; by the columns and values that may be states; by the rows that are remembered.
 */
import { OperatingError } from '@diptych/runtime/failure';
import { parseLsn } from '@diptych/wal/lsn';
import type { AuditOptions } from './audit.ts';
import { type BaselineRow, type JoinedTransaction, tableName } from './joined-transaction.ts';
import type { Writer } from './leak-report.ts';
import { RowMemory, type SavedRowMemory } from './row-memory.ts';
import { coarsened, coveringShapes, type Shape, shapeOf, shapeText, within } from './shape.ts';
import { type SavedStateColumns, StateColumns } from './state-columns.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

/** What is known of a shape. */
export interface ShapeEntry {
  readonly shape: Shape;
  /** Transactions that had it, and those of them without an event. */
  transactions: number;
  silent: number;
  /** By event type (`cart ItemAdded`): transactions that had it and the event. */
  readonly events: Map<string, number>;
  /** By type of the only event of a transaction: how many such, and their row changes together. */
  readonly alone: Map<string, { transactions: number; changes: number }>;
  /** The first ones without an event, in commit order, and the last one. */
  readonly examples: TransactionReference[];
  last: TransactionReference | null;
  /** Who wrote those without an event: `writerKey`, so many. */
  readonly writers: Map<string, number>;
}

/** Events whose transaction changed no row. */
export interface RowlessEvents {
  transactions: number;
  readonly first: TransactionReference;
  last: TransactionReference;
}

export interface ShapeFinderOptions {
  readonly rowsMax?: number;
  /** Different shapes that are told apart; beyond, columns of state are given up one by one. */
  readonly shapesMax?: number;
  /** Transactions that committed earlier, in µs since 1970, only teach; they are not counted. */
  readonly countFromUs?: bigint | undefined;
  readonly saved?: SavedShapes | undefined;
}

/** Plain data, all that another one needs to go on, besides the entries of `rows`. */
export interface SavedShapes {
  readonly state: SavedStateColumns;
  readonly memory: SavedRowMemory;
  readonly entries: readonly SavedEntry[];
  readonly rowless: readonly (readonly [type: string, RowlessEvents])[];
  readonly tables: readonly string[];
}

type SavedEntry = Omit<ShapeEntry, 'events' | 'alone' | 'writers'> & {
  readonly writers: readonly (readonly [string, number])[];
  readonly events: readonly (readonly [string, number])[];
  readonly alone: readonly (readonly [string, { transactions: number; changes: number }])[];
};

/** About 1 KB each. */
const shapesMaxDefault = 2000;
/** Enough to look some of them up. */
const examplesMax = 100;
/** Types of event; an outbox that has more makes them up from data. */
const typesMax = 500;
/** Writers of one shape that are told apart; further ones are not told. */
const writersMax = 50;

/** A writer as one text, and back. */
const writerKey = (writer: Writer | null): string =>
  writer === null ? '' : JSON.stringify([writer.application, writer.user, writer.client]);

/** The writer of a key in `ShapeEntry.writers`; null: unknown. */
export function writerOf(key: string): Writer | null {
  if (key === '') return null;
  const [application = null, user = null, client = null] = JSON.parse(key) as (string | null)[];
  return { application, user, client };
}

export class ShapeFinder {
  readonly #state: StateColumns;
  readonly #memory: RowMemory;
  readonly #shapesMax: number;
  readonly #countFromUs: bigint | undefined;
  #entries: Map<string, ShapeEntry>;
  #losses = 0;
  readonly #rowless: Map<string, RowlessEvents>;
  readonly #tablesWithEvents: Set<string>;

  constructor({ rowsMax, shapesMax = shapesMaxDefault, countFromUs, ...rest }: ShapeFinderOptions = {}) {
    // What is counted on must not change what was saved.
    const saved = structuredClone(rest.saved);
    this.#state = new StateColumns(saved?.state);
    this.#memory = new RowMemory({
      state: this.#state,
      saved: saved?.memory,
      ...(rowsMax === undefined ? {} : { rowsMax }),
    });
    this.#shapesMax = shapesMax;
    this.#countFromUs = countFromUs;
    this.#entries = new Map(
      saved?.entries.map((entry) => [
        shapeText(entry.shape),
        {
          ...entry,
          events: new Map(entry.events),
          alone: new Map(entry.alone),
          writers: new Map(entry.writers),
          examples: [...entry.examples],
        },
      ]),
    );
    this.#rowless = new Map(saved?.rowless);
    this.#tablesWithEvents = new Set(saved?.tables);
  }

  /**
   * Takes the next transaction in, in commit order, and answers its shape when it carries no event. Throws OperatingError
   * `comparison-exhausted`.
   */
  add(transaction: JoinedTransaction): Shape | null {
    const { identity, domainEvents, changes, parkedCount } = transaction;
    const rows = changes.map((change) => this.#memory.take(change));
    // A parked event was meant all the same: it is late, not missing.
    const isSilent = domainEvents.length + parkedCount === 0;
    if (!isSilent) for (const change of changes) this.#tablesWithEvents.add(tableName(change));
    if (this.#losses !== this.#state.losses) this.#coarsen();
    if (this.#countFromUs !== undefined && identity.commitTimeUs < this.#countFromUs) return null;
    const types = new Set(domainEvents.map(({ aggregateType, type }) => `${aggregateType} ${type}`));
    if (rows.length === 0) {
      for (const type of types) this.#countRowless(type, transaction);
      return null;
    }
    const shape = coarsened(shapeOf(rows), (place) => this.#state.mayBeState(place));
    const entry = this.#entryOf(shape);
    entry.transactions += 1;
    for (const type of types) count(entry.events, type);
    const [only] = types;
    if (only !== undefined && domainEvents.length + parkedCount === 1) {
      const alone = entry.alone.get(only) ?? { transactions: 0, changes: 0 };
      if (entry.alone.size < typesMax || entry.alone.has(only)) entry.alone.set(only, alone);
      alone.transactions += 1;
      alone.changes += changes.length;
    }
    if (!isSilent) return null;
    entry.silent += 1;
    entry.last = referenceTo(identity);
    count(entry.writers, writerKey(transaction.writer), { max: writersMax });
    if (entry.examples.length < examplesMax) entry.examples.push(entry.last);
    return shape;
  }

  /** Whether a shape, of a transaction without an event, is that of a leak, as far as is known now. */
  leakJudge({ tables, accepted = [] }: Pick<AuditOptions, 'tables' | 'accepted'>): (shape: Shape) => boolean {
    const audited = tables === undefined ? this.#tablesWithEvents : new Set(tables);
    const reasons = new Set(accepted.map(({ shape }) => shape));
    const isState = (place: { table: string; column: string }) => this.#state.isState(place);
    return (shape) => {
      const seen = within(coarsened(shape, isState), audited);
      return seen.length > 0 && !coveringShapes(seen).some((text) => reasons.has(text));
    };
  }

  /** Remembers a row that a snapshot read, so that the first update of it says what changed. */
  addBaseline(row: BaselineRow): void {
    this.#memory.takeBaseline(row);
  }

  /** What was learned: each shape with the values of those columns alone that are of state. */
  learned(): {
    readonly entries: readonly ShapeEntry[];
    readonly rowless: ReadonlyMap<string, RowlessEvents>;
    /** `schema.table`: those that at least once changed together with an event. */
    readonly tablesWithEvents: ReadonlySet<string>;
  } {
    const isState = (place: { table: string; column: string }) => this.#state.isState(place);
    const entries = mergedEntries(this.#entries.values(), (shape) => coarsened(shape, isState));
    return {
      entries: [...entries.values()],
      rowless: this.#rowless,
      tablesWithEvents: this.#tablesWithEvents,
    };
  }

  /** The rows that are remembered: to be saved besides. */
  get rows(): RowMemory['rows'] {
    return this.#memory.rows;
  }

  save(): SavedShapes {
    return {
      state: this.#state.save(),
      memory: this.#memory.save(),
      entries: [...this.#entries.values()].map((entry) => ({
        ...entry,
        events: [...entry.events],
        alone: [...entry.alone],
        writers: [...entry.writers],
      })),
      rowless: [...this.#rowless],
      tables: [...this.#tablesWithEvents],
    };
  }

  #entryOf(shape: Shape): ShapeEntry {
    const text = shapeText(shape);
    const known = this.#entries.get(text);
    if (known !== undefined) return known;
    this.#entries.set(text, emptyEntry(shape));
    while (this.#entries.size > this.#shapesMax) {
      if (!this.#state.loseWidest()) throw exhausted(this.#shapesMax);
      this.#coarsen();
    }
    const coarse = shapeText(coarsened(shape, (place) => this.#state.mayBeState(place)));
    const entry = this.#entries.get(coarse) ?? emptyEntry(shape);
    this.#entries.set(coarse, entry);
    return entry;
  }

  /** A column turned out to be data: shapes that differed by its values alone are one. */
  #coarsen(): void {
    this.#losses = this.#state.losses;
    const mayBeState = (place: { table: string; column: string }) => this.#state.mayBeState(place);
    this.#entries = mergedEntries(this.#entries.values(), (shape) => coarsened(shape, mayBeState));
  }

  #countRowless(type: string, { identity }: JoinedTransaction): void {
    const reference = referenceTo(identity);
    const known = this.#rowless.get(type);
    if (known !== undefined) {
      known.transactions += 1;
      known.last = reference;
    } else if (this.#rowless.size < typesMax) {
      this.#rowless.set(type, { transactions: 1, first: reference, last: reference });
    }
  }
}

/** Entries whose shapes become equal are added up. */
export function mergedEntries(
  entries: Iterable<ShapeEntry>,
  mapped: (shape: Shape) => Shape,
): Map<string, ShapeEntry> {
  const merged = new Map<string, ShapeEntry>();
  for (const entry of entries) {
    const shape = mapped(entry.shape);
    const text = shapeText(shape);
    const into = merged.get(text) ?? emptyEntry(shape);
    merged.set(text, into);
    into.transactions += entry.transactions;
    into.silent += entry.silent;
    for (const [type, more] of entry.events) count(into.events, type, { more });
    for (const [writer, more] of entry.writers) count(into.writers, writer, { more, max: writersMax });
    for (const [type, { transactions, changes }] of entry.alone) {
      const sum = into.alone.get(type) ?? { transactions: 0, changes: 0 };
      into.alone.set(type, {
        transactions: sum.transactions + transactions,
        changes: sum.changes + changes,
      });
    }
    into.examples.push(...entry.examples);
    into.examples.sort(inCommitOrder);
    into.examples.splice(examplesMax);
    if (entry.last !== null && (into.last === null || inCommitOrder(into.last, entry.last) < 0))
      into.last = entry.last;
  }
  return merged;
}

function emptyEntry(shape: Shape): ShapeEntry {
  return {
    ...{ shape, transactions: 0, silent: 0, examples: [], last: null },
    ...{ events: new Map(), alone: new Map(), writers: new Map() },
  };
}

function count(
  counts: Map<string, number>,
  type: string,
  { more = 1, max = typesMax }: { more?: number; max?: number } = {},
): void {
  if (counts.has(type) || counts.size < max) counts.set(type, (counts.get(type) ?? 0) + more);
}

function exhausted(shapesMax: number): OperatingError {
  return new OperatingError('comparison-exhausted', `row changes have more than ${shapesMax} shapes`, {
    remedy: 'Name the tables to audit, or leave out of the publication what is written in ever new ways.',
  });
}

/** Commit order of references. */
export function inCommitOrder(left: TransactionReference, right: TransactionReference): number {
  if (left.timeline !== right.timeline) return left.timeline - right.timeline;
  const [a, b] = [parseLsn(left.commitLsn), parseLsn(right.commitLsn)];
  return a < b ? -1 : a > b ? 1 : 0;
}
