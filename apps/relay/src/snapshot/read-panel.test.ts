/** The short way of rows that were read makes what the long way makes. */
import { MessageLimits } from '@diptych/kafka/message-limits';
import { PackedRecord } from '@diptych/kafka/packed-record';
import { relationForTests } from '@diptych/pgoutput/encode-for-tests';
import { createLogger } from '@diptych/runtime/log';
import type { DescribedTable } from '@diptych/snapshot/described-table';
import { lsn } from '@diptych/wal/lsn';
import { readRowsOf } from '@diptych/wal/read-rows-for-tests';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConfiguration } from '../configuration.ts';
import { Panels, type PublishedRecord } from '../panels.ts';
import { ParkedKeys } from '../parking/parked-keys.ts';
import { Poison } from '../parking/poison.ts';
import { ReadPanel } from './read-panel.ts';

const source = { systemId: '1', database: 'shop', timeline: 3, history: [] };
const timestamptz = 1184;

function described(key: readonly string[]): DescribedTable {
  const column = (name: string, typeOid: number) => ({
    ...{ name, typeOid },
    ...{ key: key.includes(name), typeModifier: -1 },
  });
  return {
    relation: relationForTests({
      ...{ table: 'carts', replicaIdentity: key.length === 0 ? 'nothing' : 'default' },
      columns: [column('id', 20), column('note', 25), column('at', timestamptz)],
    }),
    ...{ key, shape: '', isPartitioned: false, rowFilter: null, operatorSchemas: [], estimatedRows: null },
  };
}

/** `isLong`: a record of some key is parked, so that each one is looked at. */
function encoded(
  rows: readonly (readonly (string | null)[])[],
  { isLong, key, takesBytes }: { isLong: boolean; key: readonly string[]; takesBytes: number },
): PublishedRecord[] {
  const configuration = readConfiguration({
    file: undefined,
    environment: {
      ...{ DIPTYCH_DATABASE_URL: 'postgres://h/d', DIPTYCH_KAFKA_BROKERS: 'h:1' },
      ...{ DIPTYCH_CHANGE_ON_POISON: 'park', DIPTYCH_LIMITS_ROW_BYTES_MAX: '2000' },
    },
  });
  const log = createLogger('read panel', { level: 'silent' });
  const keys = new ParkedKeys(1000);
  if (isLong) keys.add({ topic: 'elsewhere', key: Buffer.from('k'), id: 'one', offset: 1n, pending: null });
  const poison = new Poison({
    ...{ configuration, keys, log, decided: new Set(), repeated: new Set(), parkedTopic: 'diptych.parked' },
    limits: new MessageLimits(new Map(), takesBytes),
  });
  const types = { rows: [], moneyDigits: 2, areTextsChecked: true };
  const panels = new Panels({
    ...{ configuration, log, poison, source, changeTables: new Set<string>() },
    described: { primaryKeys: new Map(), types },
  });
  const panel = new ReadPanel({ change: panels.change, poison, source, rowBytesMax: 2000 });
  return panel.encode({
    ...{
      id: 'snapshot 1',
      described: described(key),
      rows: readRowsOf(rows),
      sequence: 41,
      sourceLsn: lsn(77n),
      lsn: lsn(76n),
    },
    markerOf: (index) => (index === 0 ? 'first' : 'true'),
    timeUs: 1_795_246_912_669_491n,
  });
}

/** But for the moment at which it was made, and what is counted of its bytes. */
const seen = (record: PublishedRecord) => ({
  ...{ topic: record.topic, key: String(record.key), headers: record.headers, panel: record.panel },
  ...{
    timestampMs: record.timestampMs,
    bytes: record.bytes,
    spread: record.spread,
    partition: record.partition,
  },
  value: String(record.value).replace(/"ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+\}$|"sha256":"\w+"/, ''),
});

const texts = fc.tuple(
  fc.integer().map(String),
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constant(null),
    fc.constantFrom('x'.repeat(900), 'x'.repeat(3000)),
  ),
  fc.constantFrom('2026-11-22 10:00:00.123456+00', 'infinity', '0044-03-15 00:00:00+00 BC', null, 'no time'),
);

test('a row makes the same record in the short way as in the long way, whatever is in it', () => {
  let short = 0;
  fc.assert(
    fc.property(
      fc.array(texts, { maxLength: 8 }),
      fc.constantFrom([], ['id'], ['note', 'id']),
      fc.constantFrom(1000, 1_000_000),
      (rows, key, takesBytes) => {
        const [one, other] = [false, true].map((isLong) => encoded(rows, { isLong, key, takesBytes }));
        expect(one?.map(seen)).toEqual(other?.map(seen));
        expect(other?.filter((record) => record instanceof PackedRecord)).toEqual([]);
        short += one?.filter((record) => record instanceof PackedRecord).length ?? 0;
      },
    ),
  );
  expect(short).toBeGreaterThan(100);
});

test('the last row of a chunk is a record to which more can be added', () => {
  const records = encoded(
    [
      ['1', 'a', null],
      ['2', 'b', null],
    ],
    { isLong: false, key: ['id'], takesBytes: 1_000_000 },
  );
  expect(records.map((record) => record instanceof PackedRecord)).toEqual([true, false]);
});
