/** Workloads of plain rows without events: many or few to a transaction, in one table or many, wide ones, and a table that is read. */
import { queryAt } from '../bridge.ts';
import { type Backlog, lastXidOf, unsynchronised, type Workload } from './backlog.ts';

const stream = { aggregateTypes: [], source: 'stream' } as const;

export interface ItemsOptions {
  readonly rows: number;
  readonly rowsPerTransaction: number;
  /** One transaction writes to one of them, the next to the next. */
  readonly tables: number;
}

/** New rows of some 120 bytes, in tables of seven columns. */
export function itemsWorkload({ rows, rowsPerTransaction, tables }: ItemsOptions): Workload {
  const names = Array.from({ length: tables }, (_, index) => `items_${index}`);
  return {
    ...stream,
    tables: names.map((name) => `public.${name}`),
    prepare: async (databaseUrl) => {
      const creations = names.map(
        (name) =>
          `create table ${name} (id bigint primary key, cart int not null, sku text not null, quantity int not null,
             price numeric(12, 2) not null, note text not null, changed_at timestamptz not null default now());`,
      );
      await queryAt(databaseUrl, creations.join('\n'));
      await createWriter(
        databaseUrl,
        `execute 'insert into items_' || first / ${rowsPerTransaction} % ${tables} || $insert$ (id, cart, sku, quantity, price, note)
           select n, n / 10, 'sku-' || n % 977, n % 9 + 1, n % 10000 / 100.0, repeat('banana ', 8)
           from generate_series($1, $2) n $insert$ using first, last;`,
      );
    },
    write: (databaseUrl) => writeRows(databaseUrl, { rows, rowsPerTransaction }),
  };
}

const wideColumns = { texts: 40, numbers: 7, times: 6, decimals: 6 };
const textCharacters = 88;
const wideRowsPerTransaction = 10;

/** Rows of 60 columns and 4 kB, ten to a transaction, kept out of TOAST: it would be measured in place of the row. */
export function wideWorkload(rows: number): Workload {
  const columns = [
    ...columnsOf('text', wideColumns.texts, (place) => `texts[1 + (n * 7 + ${place} * 13) % 1000]`),
    ...columnsOf('bigint', wideColumns.numbers, (place) => `n * ${place + 1}`),
    ...columnsOf(
      'timestamptz',
      wideColumns.times,
      (place) => `now() - n * ${place + 1} * interval '1 second'`,
    ),
    ...columnsOf('numeric(14, 4)', wideColumns.decimals, (place) => `n % 1000003 * ${place + 1} / 7.0`),
  ];
  const tables = ['public.wide'];
  return {
    ...{ ...stream, tables },
    prepare: async (databaseUrl) => {
      const definitions = columns.map(({ name, type }) => `${name} ${type} not null`);
      await queryAt(
        databaseUrl,
        `create table wide (id bigint primary key, ${definitions.join(', ')}) with (toast_tuple_target = 8160)`,
      );
      await createWriter(
        databaseUrl,
        `insert into wide select n, ${columns.map(({ value }) => value).join(', ')} from generate_series(first, last) n;`,
        `texts text[] := array(select left(string_agg(md5(t || '-' || part), ''), ${textCharacters})
           from generate_series(1, 1000) t, generate_series(1, 3) part group by t order by t);`,
      );
    },
    write: (databaseUrl) => writeRows(databaseUrl, { rows, rowsPerTransaction: wideRowsPerTransaction }),
  };
}

function columnsOf(type: string, count: number, value: (place: number) => string) {
  const word = type.split('(')[0];
  return Array.from({ length: count }, (_, place) => ({
    name: `${word}_${place}`,
    type,
    value: value(place),
  }));
}

/** A table that was there before any slot. */
export function snapshotWorkload(rows: number): Workload {
  return {
    ...{ tables: ['public.things'], aggregateTypes: [], source: 'snapshot' },
    prepare: async (databaseUrl) => {
      await queryAt(
        databaseUrl,
        `create table things (id bigint primary key, kind text not null, note text, amount numeric(12, 2) not null, version int not null);
         insert into things select n, 'kind ' || n % 7, repeat('banana ', (n % 9)::int), n % 10000 / 100.0, 1
           from generate_series(1, ${rows}) n`,
      );
      // Or the first who reads it would write its hint bits.
      await queryAt(databaseUrl, 'vacuum (analyze) things');
    },
    write: async () => ({ transactions: 0, changes: rows, events: 0, lastXid: 0 }),
  };
}

/** `bench_write`: the rows from 1 on in transactions of so many; `insert` writes those from `first` to `last`. */
async function createWriter(databaseUrl: string, insert: string, variables = ''): Promise<void> {
  await queryAt(
    databaseUrl,
    `create table bench_end (xid text not null);
     create procedure bench_write(last_row int, rows_per_transaction int) language plpgsql as $$
     declare
       first int := 1;
       last int;
       ${variables}
     begin
       while first <= last_row loop
         last := least(first + rows_per_transaction - 1, last_row);
         ${insert}
         if last = last_row then
           insert into bench_end values (pg_current_xact_id()::text);
           -- Sees to it that all of them are on disk.
           set local synchronous_commit = on;
         end if;
         commit;
         first := last + 1;
       end loop;
     end $$`,
  );
}

async function writeRows(
  databaseUrl: string,
  { rows, rowsPerTransaction }: { rows: number; rowsPerTransaction: number },
): Promise<Backlog> {
  await queryAt(unsynchronised(databaseUrl), `call bench_write(${rows}, ${rowsPerTransaction})`);
  const lastXid = await lastXidOf(databaseUrl, 'select xid from bench_end');
  return { transactions: Math.ceil(rows / rowsPerTransaction), changes: rows, events: 0, lastXid };
}
