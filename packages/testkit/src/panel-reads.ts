/** What a test asks of the panels, and how it is typed. */
import type { Change, DomainEvent, JoinedTransaction } from '@diptych/compare/joined-transaction';
import type { JsonObject } from '@diptych/compare/json-object';
import type { Contract, PayloadSchema } from '@diptych/outbox/contract';
import { assert } from '@diptych/runtime/assert';

/** Everything that is named must be so. */
export interface EventFilter {
  /** Its type, or type and id. */
  readonly aggregate?: string | { readonly type: string; readonly id?: string };
  readonly type?: string;
}

/** What a schema answers, as its own types say; unknown when it has none. */
type OutputOf<Schema extends PayloadSchema> =
  NonNullable<Schema['~standard']['types']> extends { readonly output: infer Output } ? Output : unknown;

/** A domain event of a contract: its `type` says what its `payload` is. */
export type TypedEvent<C extends Contract> = {
  readonly [Type in keyof C & string]: Omit<DomainEvent, 'type' | 'payload'> & {
    readonly type: Type;
    readonly payload: OutputOf<C[Type]['schema']>;
  };
}[keyof C & string];

/** A change event whose rows have the columns that the test says. */
export type TypedChange<Row> = Omit<Change, 'before' | 'after' | 'key'> & {
  readonly key: Partial<Row> | null;
  readonly before: Partial<Row> | null;
  readonly after: Partial<Row> | null;
};

export function eventsOf(transactions: readonly JoinedTransaction[], filter: EventFilter): DomainEvent[] {
  const { aggregate, type } = filter;
  const of: { readonly type?: string; readonly id?: string } =
    typeof aggregate === 'string' ? { type: aggregate } : (aggregate ?? {});
  return transactions
    .flatMap(({ domainEvents }) => domainEvents)
    .filter((event) => type === undefined || event.type === type)
    .filter((event) => of.type === undefined || event.aggregateType === of.type)
    .filter((event) => of.id === undefined || event.key === of.id);
}

/** `table` is `schema.table`, or the name alone of one in `public`. */
export function changesOf<Row = JsonObject>(
  transactions: readonly JoinedTransaction[],
  table: string,
): TypedChange<Row>[] {
  const wanted = table.includes('.') ? table : `public.${table}`;
  return transactions
    .flatMap(({ changes }) => changes)
    .filter((change) => `${change.schema}.${change.table}` === wanted) as unknown as TypedChange<Row>[];
}

/** The events as the contract has them. Throws AssertionError for a type or a payload that the contract does not know. */
export async function typedBy<const C extends Contract>(
  contract: C,
  events: readonly DomainEvent[],
): Promise<TypedEvent<C>[]> {
  const typed = events.map(async (event) => {
    const schema = Object.hasOwn(contract, event.type) ? contract[event.type]?.schema : undefined;
    assert(schema, `no contract of event ${event.type}`);
    const result = await schema['~standard'].validate(event.payload);
    assert(!result.issues, `the payload of ${event.type} is not what its contract says`);
    return { ...event, payload: result.value } as TypedEvent<C>;
  });
  return await Promise.all(typed);
}
