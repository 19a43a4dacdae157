/** The tables of the workload, what both panels tell of an order, and the statements that write it. */

export const schema = `
  create table orders (id bigint primary key, status text not null, amount numeric(12, 2) not null, note text not null,
    updated_at timestamptz not null default clock_timestamp());
  create table order_lines (order_id bigint not null, sku text not null, quantity int not null,
    primary key (order_id, sku));
  create table outbox (id uuid primary key default gen_random_uuid(), aggregatetype text not null,
    aggregateid text not null, type text not null, payload jsonb not null, aggregateversion bigint not null,
    typeversion int not null default 1, headers jsonb not null default '{}',
    occurred_at timestamptz not null default now(), xid xid8 not null default pg_current_xact_id());
`;

export const aggregateType = 'order';

/** What of an order both panels tell: its lines, and notes, are of the rows alone. */
export const mappings = {
  aggregates: [
    {
      aggregateType,
      table: 'public.orders',
      key: 'id',
      fields: {
        status: { column: 'status', payload: 'status' },
        amount: { column: 'amount', payload: 'amount', as: 'decimal' },
      },
    },
  ],
};

/** Each is one transaction with its event. */
const withEvent = (rows: string, more = ''): string => `
  with done as (${rows}), ${more}
  told as (insert into outbox (aggregatetype, aggregateid, type, payload, aggregateversion)
    values ('${aggregateType}', $1::text, $2, $3::jsonb, $4))
  select pg_current_xact_id()::text as xid`;

const silently = (rows: string): string => `with done as (${rows}) select pg_current_xact_id()::text as xid`;

/** With an event: order, event type, payload, version, value; without: order, value. Each answers its transaction's id. */
export const statements = {
  place: withEvent(
    `insert into orders (id, status, amount, note) values ($1::bigint, 'placed', $5, 'as ordered')`,
    `lines as (insert into order_lines select $1::bigint, 'sku ' || n, n from generate_series(1, 2) n),`,
  ),
  move: withEvent('update orders set status = $5, updated_at = clock_timestamp() where id = $1::bigint'),
  reprice: withEvent('update orders set amount = $5, updated_at = clock_timestamp() where id = $1::bigint'),
  annotate: withEvent('update orders set note = $5, updated_at = clock_timestamp() where id = $1::bigint'),
  'leak-note': silently('update orders set note = $2 where id = $1::bigint'),
  'leak-line': silently(`insert into order_lines values ($1::bigint, $2, 1)`),
  'leak-less-lines': silently('delete from order_lines where order_id = $1::bigint and sku = $2'),
  'leak-amount': silently('update orders set amount = amount + $2::numeric where id = $1::bigint'),
} as const;
