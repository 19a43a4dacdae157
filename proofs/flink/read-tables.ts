/** Flink reads the change topics of tables; what it has in the end is compared with the tables themselves. */
import type { Watchdog } from '@diptych/testkit/watchdog';
import type { Bridge } from '../bridge.ts';
import type { FlinkColumn } from './columns.ts';
import { type FlinkValue, runFlink } from './flink-sql.ts';
import { apply, difference, type Rows } from './materialised.ts';
import type { WorkTable } from './workload.ts';

export interface ReadOptions {
  readonly bridge: Bridge;
  readonly tables: readonly WorkTable[];
  readonly jars: readonly string[];
  readonly directory: string;
  readonly watchdog: Watchdog;
  readonly signal: AbortSignal;
}

export interface ReadResult {
  /** Changes that Flink made of the records. */
  readonly changes: number;
  /** Rows that there are in Postgres. */
  readonly rows: number;
  readonly missing: number;
  readonly besides: number;
  /** Changes that take away a row which is not there. */
  readonly impossible: number;
  readonly notes: readonly string[];
}

const shownMax = 5;
const valueMax = 200;

export async function readTables(options: ReadOptions): Promise<ReadResult> {
  const { bridge, tables } = options;
  const views: Rows[] = tables.map(() => new Map());
  let changes = 0;
  let impossible = 0;
  const statements = tables.flatMap((table) => [declaration(table, bridge), `select * from ${table.name}`]);
  for await (const change of runFlink({ ...options, statements })) {
    const { columns } = tables[change.query] ?? { columns: [] };
    const rows = views[change.query];
    if (rows === undefined || change.kind === 'end') continue;
    changes += 1;
    if (!apply(rows, change, (row) => normalised(columns, row))) impossible += 1;
  }
  const notes: string[] = [];
  const counts = { rows: 0, missing: 0, besides: 0 };
  for (const [index, table] of tables.entries()) {
    const postgres = await postgresRows(table, bridge);
    const { missing, besides } = difference(views[index] ?? new Map(), postgres);
    counts.rows += [...postgres.values()].reduce((sum, count) => sum + count, 0);
    counts.missing += missing.length;
    counts.besides += besides.length;
    notes.push(...describe(table, { missing, besides }));
  }
  return { changes, impossible, notes, ...counts };
}

/** Where a row of the same id is there, its values that differ; else the row. */
function describe(
  { name, columns }: WorkTable,
  { missing, besides }: { missing: readonly string[]; besides: readonly string[] },
): string[] {
  const read = (row: string) => JSON.parse(row) as readonly unknown[];
  const others = new Map(besides.map((row) => [read(row)[0], read(row)]));
  return missing.slice(0, shownMax).flatMap((text) => {
    const [id, ...values] = read(text);
    const [, ...theirs] = others.get(id) ?? [];
    if (!others.has(id)) return [`${name}: Flink lacks the row ${String(id)}`];
    return values.flatMap((value, index) => {
      const [ours, flinks] = [value, theirs[index]].map((one) => JSON.stringify(one).slice(0, valueMax));
      return ours === flinks
        ? []
        : [`${name}, row ${String(id)}, ${columns[index]?.postgres}: Flink has ${flinks}, Postgres ${ours}`];
    });
  });
}

/** https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/connectors/table/formats/debezium/ */
function declaration({ name, columns }: WorkTable, bridge: Bridge): string {
  const list = ['id INT', ...columns.map(({ flink }, index) => `c${index} ${flink}`)];
  const options = {
    connector: 'kafka',
    topic: bridge.changeTopic(name),
    'properties.bootstrap.servers': bridge.brokers.join(','),
    'properties.isolation.level': 'read_committed',
    'scan.startup.mode': 'earliest-offset',
    'scan.bounded.mode': 'latest-offset',
    format: 'debezium-json',
    'debezium-json.timestamp-format.standard': 'ISO-8601',
  };
  const set = Object.entries(options).map(([option, value]) => `'${option}' = '${value}'`);
  return `create table ${name} (${list.join(', ')}) with (${set.join(', ')})`;
}

/** Flink's row with its values written as Postgres is asked to write them. */
function normalised(columns: readonly FlinkColumn[], [id, ...values]: readonly FlinkValue[]): unknown[] {
  const texts = columns.map(({ normalise }, index) => {
    const value = values[index] ?? null;
    return typeof value === 'string' && normalise ? normalise(value) : value;
  });
  return [id, ...texts];
}

async function postgresRows({ name, columns }: WorkTable, bridge: Bridge): Promise<Rows> {
  const list = columns.map(({ text }, index) => text(`c${index}`));
  const found = await bridge.query<{ row: (string | null)[] }>(
    `select array[${['id::text', ...list].join(', ')}] as row from ${name}`,
  );
  const rows: Rows = new Map();
  for (const { row } of found) {
    const [id = null, ...texts] = row;
    const values = columns.map((column, index) => inPostgres(column, texts[index] ?? null));
    const json = JSON.stringify([id, ...values]);
    rows.set(json, (rows.get(json) ?? 0) + 1);
  }
  return rows;
}

function inPostgres({ flink, postgres }: FlinkColumn, text: string | null): unknown {
  if (text === null) return null;
  if (flink.startsWith('ARRAY')) return JSON.parse(text);
  return /^(real|double)/.test(postgres) ? String(Number(text)) : text;
}
