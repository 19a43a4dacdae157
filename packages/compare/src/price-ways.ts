/** Four ways to write the same, as SQL: rows alone, and rows with an event in each of the three ways of docs/outbox.md. */

export type PriceWay = 'plain' | 'outbox' | 'insert-and-delete' | 'message';

export const priceWays: readonly PriceWay[] = ['plain', 'outbox', 'insert-and-delete', 'message'];

/** What `payload` holds: about 300 bytes, as an order with a few lines has. */
const payload = JSON.stringify({
  orderId: 4711,
  customer: 'customer 42',
  lines: [
    { sku: 'banana', quantity: 3, unitPrice: '1.00' },
    { sku: 'coffee, ground, 500 g', quantity: 1, unitPrice: '7.49' },
  ],
  totals: { subtotal: '10.49', discount: '0.00', total: '10.49' },
  address: { street: 'Long Street 17', city: 'Somewhere', postcode: '12345' },
});

/** Not `diptych.outbox:…`: no relay makes an event of it. */
const messagePrefix = 'diptych.price';

/** No vacuum in the middle: what a way leaves behind is what is measured. */
const unvacuumed = 'with (autovacuum_enabled = false, toast.autovacuum_enabled = false)';

/** The tables of each way, in a schema of their own; `schema` is quoted. */
export function tablesSql(schema: string): string {
  return priceWays
    .map((way) => {
      const { orders, outbox } = namesOf(schema, way);
      return `
        create table ${orders} (id bigint generated always as identity primary key, customer text not null,
          status text not null, total numeric(12,2) not null, note text, at timestamptz not null default now()) ${unvacuumed};
        create table ${outbox} (id uuid not null default gen_random_uuid(), aggregatetype text not null,
          aggregateid text not null, type text not null, payload jsonb, aggregateversion bigint not null,
          typeversion int not null default 1, headers jsonb not null default '{}',
          occurred_at timestamptz not null default now(), xid xid8 not null default pg_current_xact_id()) ${unvacuumed};
        create index on ${outbox} (aggregatetype, aggregateid, aggregateversion);
        alter table ${outbox} replica identity full;`;
    })
    .join('\n');
}

/** The statements of one transaction, between BEGIN and COMMIT: an order comes, the one before is paid, and that is told. */
export function transactionSql(schema: string, way: PriceWay): readonly string[] {
  const { orders, outbox } = namesOf(schema, way);
  const rows = [
    `insert into ${orders} (customer, status, total, note) values ('customer 42', 'new', 10.49, 'ring twice')`,
    `update ${orders} set status = 'paid' where id = lastval() - 1`,
  ];
  const event = `insert into ${outbox} (aggregatetype, aggregateid, type, payload, aggregateversion)
    values ('order', lastval()::text, 'OrderPlaced', '${payload}', 1)`;
  switch (way) {
    case 'plain':
      return rows;
    case 'outbox':
      return [...rows, event];
    case 'insert-and-delete':
      return [...rows, event, remove(outbox)];
    case 'message':
      return [...rows, `select pg_logical_emit_message(true, '${messagePrefix}', '${payload}')`];
  }
}

/** What the transaction itself has just written. */
const remove = (outbox: string): string =>
  `delete from ${outbox} where aggregatetype = 'order' and aggregateid = lastval()::text`;

/** What a way has on disk, indexes included, in bytes. */
export function sizeSql(schema: string, way: PriceWay): string {
  const { orders, outbox } = namesOf(schema, way);
  const sizes = [orders, outbox].map((table) => `pg_total_relation_size('${table.replaceAll("'", "''")}')`);
  return `select (${sizes.join(' + ')})::text as bytes`;
}

function namesOf(schema: string, way: PriceWay): { orders: string; outbox: string } {
  const suffix = way.replaceAll('-', '_');
  return { orders: `${schema}.orders_${suffix}`, outbox: `${schema}.outbox_${suffix}` };
}
