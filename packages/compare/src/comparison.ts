/** Everything that is learned from both panels side by side, folded item by item as they come out of the join. */
import { unreachable } from '@diptych/runtime/assert';
import { type Audit, type AuditOptions, audit } from './audit.ts';
import type { Compared, DriftFold, DriftOptions, DriftReport } from './drift.ts';
import type { SavedVerdicts } from './drift-verdicts.ts';
import { type IntentLoss, type IntentLossOptions, intentLoss } from './intent-loss.ts';
import type { Irregularity } from './irregularity.ts';
import type { JoinedItem, JoinedTransaction } from './joined-transaction.ts';
import type { KeyedTexts } from './keyed-state.ts';
import type { Shape } from './shape.ts';
import { type SavedShapes, ShapeFinder } from './shape-finder.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

/** One way to compare the states of aggregates: `(options) => new DriftFinder(cartMapping, options)`. */
export type DriftOf = (options: DriftOptions) => DriftFold;

export interface ComparisonOptions {
  readonly drifts?: readonly DriftOf[];
  /** Rows of which it is remembered what they were. */
  readonly rowsMax?: number;
  /** Aggregates of each kind; see `DriftOptions`. */
  readonly aggregates?: Pick<DriftOptions, 'aggregatesMax' | 'unloads'>;
  /** Transactions that committed earlier, in µs since 1970, only teach; they are not counted. */
  readonly countFromUs?: bigint | undefined;
  readonly saved?: SavedComparison | undefined;
}

/** Plain data, all that another one needs to go on, besides keyed state. */
export interface SavedComparison {
  readonly counts: Counts;
  readonly horizon: TransactionReference | null;
  readonly shapes: SavedShapes;
  /** By aggregate type. */
  readonly verdicts: readonly (readonly [aggregateType: string, verdicts: SavedVerdicts])[];
  readonly tooLarge: readonly TransactionReference[];
  readonly irregular: readonly IrregularRecord[];
}

interface Counts {
  transactions: number;
  events: number;
  changes: number;
  /** Records that were parked, and came behind their transaction. */
  released: number;
  /** Rows that snapshots read. */
  baseline: number;
  irregular: number;
  tooLarge: number;
}

/** A record that exactly-once delivery does not allow. */
export interface IrregularRecord
  extends TransactionReference,
    Pick<Irregularity, 'what' | 'topic' | 'partition'> {
  /** Decimal text. */
  readonly offset: string;
  readonly ordinal: number;
  readonly part: number;
}

/** What an item said. */
export interface Said {
  /** The aggregates that it is about, as they stand after it. */
  readonly compared: readonly Compared[];
  /** Of a transaction that changed rows and carries no event: its shape. */
  readonly silent: Shape | null;
}

/** What is known now, up to the horizon. */
export interface Answer {
  /** The last transaction up to which all are folded; null when there is none. */
  readonly horizon: TransactionReference | null;
  readonly counts: Readonly<Counts>;
  readonly audit: Audit;
  /** By aggregate type. */
  readonly drift: Readonly<Record<string, DriftReport>>;
  readonly intent: IntentLoss;
  /** Transactions of so many records that not all were compared: the first thousand. */
  readonly tooLarge: readonly TransactionReference[];
  /** The first thousand. */
  readonly irregular: readonly IrregularRecord[];
}

/** Enough to see a pattern in; all are counted. */
const listMax = 1000;

export class Comparison {
  readonly #counts: Counts;
  #horizon: TransactionReference | null;
  readonly #shapes: ShapeFinder;
  readonly #drifts: readonly DriftFold[];
  readonly #tooLarge: TransactionReference[];
  readonly #irregular: IrregularRecord[];

  constructor({ drifts = [], rowsMax, aggregates = {}, countFromUs, saved }: ComparisonOptions = {}) {
    this.#counts = saved ? { ...saved.counts } : { ...nothing };
    this.#horizon = saved?.horizon ?? null;
    const rows = rowsMax === undefined ? {} : { rowsMax };
    this.#shapes = new ShapeFinder({ ...rows, countFromUs, saved: saved?.shapes });
    const verdicts = new Map(saved?.verdicts);
    this.#drifts = drifts.map((drift) => {
      const { aggregateType } = drift({});
      return drift({ ...aggregates, saved: verdicts.get(aggregateType) });
    });
    this.#tooLarge = [...(saved?.tooLarge ?? [])];
    this.#irregular = [...(saved?.irregular ?? [])];
  }

  /** Takes the next item in, and answers what it said. Throws OperatingError `comparison-exhausted`. */
  take(item: JoinedItem): Said {
    const compared = this.#drifts.flatMap((drift) => drift.take(item));
    switch (item.tag) {
      case 'transaction':
        return { compared, silent: this.#takeTransaction(item.transaction) };
      case 'baseline':
        this.#counts.baseline += 1;
        this.#shapes.addBaseline(item.row);
        break;
      case 'released':
        this.#counts.released += 1;
        break;
      case 'irregular':
        this.#counts.irregular += 1;
        if (this.#irregular.length < listMax) this.#irregular.push(irregularRecord(item.irregularity));
        break;
      default:
        unreachable(item);
    }
    return { compared, silent: null };
  }

  /** Judges transactions without an event, as far as is known now: whether a shape is that of a leak. */
  leakJudge(options: AuditOptions): (shape: Shape) => boolean {
    return this.#shapes.leakJudge(options);
  }

  get counts(): Readonly<Counts> {
    return this.#counts;
  }

  answer(options: AuditOptions & IntentLossOptions = {}): Answer {
    const learned = this.#shapes.learned();
    return {
      horizon: this.#horizon,
      counts: { ...this.#counts },
      audit: audit(learned, options),
      drift: Object.fromEntries(this.#drifts.map((drift) => [drift.aggregateType, drift.report()])),
      intent: intentLoss(learned, options),
      tooLarge: [...this.#tooLarge],
      irregular: [...this.#irregular],
    };
  }

  /** State that is saved key by key, each under a name of its own. */
  get keyed(): ReadonlyMap<string, KeyedTexts> {
    const aggregates = this.#drifts.map(
      ({ aggregateType, keyed }) => [`aggregate ${aggregateType}`, keyed] as const,
    );
    return new Map([['row', this.#shapes.rows], ...aggregates]);
  }

  /** Of the aggregates that an item is about, those that are not in memory: `[name, key]`; `all` after a truncate. */
  missingFor(item: JoinedItem): readonly (readonly [name: string, keys: readonly string[] | 'all'])[] {
    return this.#drifts.flatMap((drift) => {
      const { aggregateType, keyed } = drift;
      const ids = drift.idsIn(item);
      const missing = ids === 'all' ? ids : ids.filter((id) => !keyed.has(id));
      return missing.length === 0 ? [] : [[`aggregate ${aggregateType}`, missing] as const];
    });
  }

  save(): SavedComparison {
    return {
      counts: { ...this.#counts },
      horizon: this.#horizon,
      shapes: this.#shapes.save(),
      verdicts: this.#drifts.map((drift) => [drift.aggregateType, drift.save()]),
      tooLarge: [...this.#tooLarge],
      irregular: [...this.#irregular],
    };
  }

  #takeTransaction(transaction: JoinedTransaction): Shape | null {
    const { identity, domainEvents, changes, omitted } = transaction;
    this.#counts.transactions += 1;
    this.#counts.events += domainEvents.length;
    this.#counts.changes += changes.length;
    this.#horizon = referenceTo(identity);
    if (omitted > 0) {
      this.#counts.tooLarge += 1;
      if (this.#tooLarge.length < listMax) this.#tooLarge.push(this.#horizon);
    }
    return this.#shapes.add(transaction);
  }
}

const nothing: Counts = {
  transactions: 0,
  events: 0,
  changes: 0,
  released: 0,
  baseline: 0,
  irregular: 0,
  tooLarge: 0,
};

function irregularRecord({ what, topic, partition, offset, identity }: Irregularity): IrregularRecord {
  const { ordinal, part } = identity;
  return { ...referenceTo(identity), what, topic, partition, offset: String(offset), ordinal, part };
}
