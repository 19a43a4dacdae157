/** What a test claims about the panels, as findings: matchers of any runner are made of them. */
import { Comparison } from '@diptych/compare/comparison';
import { declaredDrifts } from '@diptych/compare/declared-drifts';
import type { Change, JoinedTransaction } from '@diptych/compare/joined-transaction';
import { KnownRows } from '@diptych/compare/known-rows';
import { renderPair } from '@diptych/compare/pair';
import { stringifyLossless } from '@diptych/runtime/json';
import type { DiptychStack, ReadOptions } from './diptych-stack.ts';
import { meets } from './expectation.ts';
import { changesOf, type EventFilter, eventsOf } from './panel-reads.ts';

/** Whether it is so, and both panels, to be shown when the test wanted otherwise. */
export interface Finding {
  readonly pass: boolean;
  readonly message: () => string;
}

export interface ExpectedEvent extends EventFilter {
  /** Members that it has, at least; matchers as `expect.any(String)` may stand in it. */
  readonly payload?: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
}

export interface ExpectedChange {
  readonly op?: Change['op'];
  /** Columns that each has, at least. */
  readonly key?: unknown;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface CountOptions extends ReadOptions {
  /** Exactly so many. Default: at least one. */
  readonly times?: number;
}

/** A domain event like this was published. Throws as `DiptychStack.transactions`. */
export async function emitted(
  stack: DiptychStack,
  expected: string | ExpectedEvent,
  options: CountOptions = {},
): Promise<Finding> {
  const event = typeof expected === 'string' ? { type: expected } : expected;
  const transactions = await stack.transactions(options);
  const found = eventsOf(transactions, event).filter(
    ({ payload, headers }) =>
      (!('payload' in event) || meets(payload, event.payload)) &&
      meets(Object.fromEntries(headers), event.headers ?? {}),
  );
  return counted({ what: `domain event ${told(event)}`, count: found.length, options, transactions });
}

/** A change event like this was published. Throws as `DiptychStack.transactions`. */
export async function changed(
  stack: DiptychStack,
  table: string,
  { expected = {}, ...options }: CountOptions & { readonly expected?: ExpectedChange } = {},
): Promise<Finding> {
  const transactions = await stack.transactions(options);
  const found = changesOf(transactions, table).filter((change) => meets(change, expected));
  return counted({
    what: `change of ${table} ${told(expected)}`,
    count: found.length,
    options,
    transactions,
  });
}

export interface InStepOptions extends ReadOptions {
  /** Tables whose changes ought to carry an event, `schema.table`. Default: each that at least once changed with one. */
  readonly tables?: readonly string[];
  /** A file that says which columns hold which aggregates (docs/compare.md): then state is compared too. */
  readonly mappings?: string;
}

/**
 * Both panels tell the same: no row change without its event, no state that events and rows build differently, no record
 * that came again or out of order. Throws as `DiptychStack.transactions`, and as `declaredDrifts`.
 */
export async function inStep(stack: DiptychStack, options: InStepOptions = {}): Promise<Finding> {
  const items = await stack.items(options);
  const comparison = new Comparison({ drifts: await declaredDrifts(options.mappings) });
  for (const item of items) comparison.take(item);
  const { audit, drift, irregular } = comparison.answer({ tables: options.tables });
  const apart = [
    ...audit.shapes
      .filter(({ leaks }) => leaks > 0)
      .map(({ shape, leaks, first }) => `${leaks} × without an event: ${shape} (first: xid ${first.xid})`),
    ...Object.values(drift).flatMap(({ drifted }) =>
      drifted.map(({ id, differences }) => `state of ${id} differs: ${stringifyLossless(differences)}`),
    ),
    ...irregular.map(({ what, topic, offset }) => `${what}: ${topic} at offset ${offset}`),
  ];
  const transactions = items.flatMap((item) => (item.tag === 'transaction' ? [item.transaction] : []));
  const message = () =>
    apart.length > 0
      ? `expected both panels in step; they are not:\n  ${apart.join('\n  ')}\n\n${shown(transactions)}`
      : `expected both panels out of step; they are in step\n\n${shown(transactions)}`;
  return { pass: apart.length === 0, message };
}

function counted({
  what,
  count,
  options: { times },
  transactions,
}: {
  readonly what: string;
  readonly count: number;
  readonly options: CountOptions;
  readonly transactions: readonly JoinedTransaction[];
}): Finding {
  const pass = times === undefined ? count > 0 : count === times;
  const wanted = `${pass ? 'not ' : ''}${times === undefined ? 'a' : `${times} ×`} ${what}`;
  return { pass, message: () => `expected ${wanted}; found ${count}\n\n${shown(transactions)}` };
}

/** A failing test shows the last of them: earlier ones are rarely what it is about. */
const shownMax = 12;
const columns = 110;

/** Left what was meant, right what was done. */
function shown(transactions: readonly JoinedTransaction[]): string {
  if (transactions.length === 0) return 'nothing has been published';
  const known = new KnownRows();
  const pairs = transactions.map((transaction) => renderPair(known.complete(transaction), { columns }));
  const before = pairs.length > shownMax ? [`… ${pairs.length - shownMax} earlier transactions`] : [];
  return [...before, ...pairs.slice(-shownMax)].join('\n');
}

/** Matchers of a runner say themselves what they are. */
function told(expected: object): string {
  return JSON.stringify(expected, (_name, part: unknown) => {
    if (typeof part === 'bigint') return String(part);
    if (part instanceof RegExp) return String(part);
    if (typeof part !== 'object' || part === null || !('toAsymmetricMatcher' in part)) return part;
    return typeof part.toAsymmetricMatcher === 'function' ? String(part.toAsymmetricMatcher()) : part;
  });
}
