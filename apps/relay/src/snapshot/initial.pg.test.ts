/** Rows of a table come once and in their order, whoever pauses while one chunk waits and the next one is read. */
import { MessageLimits } from '@diptych/kafka/message-limits';
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { createLogger } from '@diptych/runtime/log';
import { testDatabase } from '@diptych/testkit/for-tests';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { lsn } from '@diptych/wal/lsn';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfiguration } from '../configuration.ts';
import { Panels, type PublishedRecord } from '../panels.ts';
import { ParkedKeys } from '../parking/parked-keys.ts';
import { Poison } from '../parking/poison.ts';
import { ChunkReader } from './chunk-reader.ts';
import { Initial } from './initial.ts';
import { Ledger } from './ledger.ts';
import { ReadPanel } from './read-panel.ts';
import { SnapshotTopic } from './snapshot-topic.ts';
import { StreamWatch } from './stream-watch.ts';
import { wordOf } from './words.ts';

const rows = 1000;
const table = { schema: 'public', where: null, key: null, shape: null, after: null, rows: 0 } as const;
const log = createLogger('initial', { level: 'silent' });
let database: Awaited<ReturnType<typeof testDatabase>>;
let sql: pg.Client;
let catalogue: Catalogue;

beforeAll(async () => {
  database = await testDatabase();
  catalogue = await openCatalogue(database.url);
  sql = new pg.Client({ connectionString: database.url });
  await sql.connect();
  await sql.query(`create table keyed (id int primary key); create table keyless (id int);
    insert into keyed select generate_series(1, ${rows}); insert into keyless select generate_series(1, ${rows});
    create publication p for all tables`);
  await sql.query('begin isolation level repeatable read');
});
afterAll(async () => {
  await Promise.all([sql.end(), catalogue.close()]);
  await database.drop();
});

async function adopted(): Promise<ChunkReader> {
  const { rows: exported } = await sql.query<{ name: string }>('select pg_export_snapshot() as name');
  const reader = await ChunkReader.open(database.url, { slot: 'under test', publication: 'p' });
  await reader.adopt(exported[0]?.name ?? '');
  return reader;
}

test.each(['keyed', 'keyless'])(
  'a pause that is over before the next look loses nothing of a %s table',
  async (name) => {
    const configuration = readConfiguration({
      file: undefined,
      environment: {
        ...{ DIPTYCH_DATABASE_URL: database.url, DIPTYCH_KAFKA_BROKERS: 'h:1' },
        DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: '100',
      },
    });
    const source = { systemId: '1', database: 'shop', timeline: 1, history: [] };
    const poison = new Poison({
      ...{ configuration, log, keys: new ParkedKeys(1000), decided: new Set(), repeated: new Set() },
      ...{ parkedTopic: 'diptych.parked', limits: new MessageLimits(new Map(), 1_000_000) },
    });
    const types = { rows: [], moneyDigits: 2, areTextsChecked: true };
    const { change } = new Panels({
      ...{ configuration, log, poison, source, changeTables: new Set([`public.${name}`]) },
      described: { primaryKeys: new Map(), types },
    });
    const begun: SnapshotLog = {
      ...{ sequence: 0, paused: false, unsaid: null },
      tables: [{ ...table, id: 'one', kind: 'initial', name }],
    };
    const topic = new SnapshotTopic(configuration);
    const ledger = new Ledger(begun, 'exactly-once');
    const offered: PublishedRecord[] = [];
    let hasRoom = true;
    let told = 0;
    const waits = Promise.withResolvers<void>();
    ledger.start({
      accepts: () => true,
      hasRoom: () => {
        if (!hasRoom) waits.resolve();
        return hasRoom;
      },
      isHeldBack: () => false,
      offer: (records) => void offered.push(...records),
      stateSoon: () => {},
      fail: (error) => {
        throw error;
      },
      finish: () => {},
    });
    const reader = await adopted();
    const initial = new Initial(
      {
        ...{ configuration, catalogue, ledger, topic, change, log, watch: new StreamWatch() },
        panel: new ReadPanel({ change, poison, source, rowBytesMax: 1_000_000 }),
        onRead: () => {
          told += 1;
          hasRoom = told !== 3;
        },
      },
      { consistentPoint: lsn(1000n), readers: [reader], close: () => reader.close() },
    );
    const read = initial.run();
    await waits.promise;
    const pause = (paused: boolean) =>
      ledger.enact(() => ({
        log: { ...ledger.log, paused },
        word: wordOf(topic, { status: paused ? 'paused' : 'resumed' }),
      }));
    // What waits is turned away by the one, and nobody has looked before the other.
    void pause(true);
    ledger.atBoundary();
    void pause(false);
    hasRoom = true;
    await read;
    const ids = offered
      .filter(({ panel }) => panel === 'change')
      .map(({ value }) => JSON.parse(String(value)).after.id);
    expect(ids).toEqual(Array.from({ length: rows }, (_, index) => index + 1));
    expect(ledger.log.tables).toEqual([]);
  },
);
