import { lsnZero, parseLsn } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';

const checkpoint: Checkpoint = {
  v: 1,
  slot: 'diptych',
  systemId: '7421896543210987654',
  database: 'shop',
  timeline: 2,
  era: 1795246912669,
  lsn: parseLsn('16/B374D848'),
  part: { lsn: parseLsn('16/B4000000'), seq: 1000 },
  reportedLsn: parseLsn('16/B374D8F0'),
  optionsHash: 'abc',
  publications: {
    diptych_outbox: {
      oid: 16390,
      options: 'insert',
      tables: ['public.outbox'],
      memberships: ['16400:16401:abc'],
    },
    diptych_change: { oid: 16391, options: 'insert,update', tables: [], memberships: [] },
  },
  partitions: { 'diptych.public.carts': 6, 'diptych.transaction': 1 },
  snapshot: null,
};

test('a checkpoint is read back as it was written', () => {
  expect(decodeCheckpoint(encodeCheckpoint(checkpoint))).toEqual(checkpoint);
  const whole = { ...checkpoint, part: null, lsn: lsnZero };
  expect(decodeCheckpoint(encodeCheckpoint(whole))).toEqual(whole);
});

test('how far snapshots are is read back as it was written', () => {
  const table = {
    id: 's1',
    kind: 'initial',
    schema: 'public',
    name: 'a.b',
    where: 'x > 1',
    rows: 7,
  } as const;
  const snapshot = {
    ...{ sequence: 9, paused: true, unsaid: '{}' },
    tables: [
      { ...table, key: ['a', 'b'], shape: '7 1.23.-1.0', after: ['1', "O'Hara"] },
      { ...table, where: null, key: null, shape: null, after: null, rows: 0 },
    ],
  };
  const reading = { ...checkpoint, snapshot };
  expect(decodeCheckpoint(encodeCheckpoint(reading))).toEqual(reading);
});

test('one that was written before there were eras is of the first', () => {
  const { era: _, ...text } = JSON.parse(encodeCheckpoint(checkpoint).toString());
  expect(decodeCheckpoint(Buffer.from(JSON.stringify(text)))).toEqual({ ...checkpoint, era: 0 });
});

test('one that was written before partitions were agreed on agrees on none', () => {
  const { partitions: _, ...text } = JSON.parse(encodeCheckpoint(checkpoint).toString());
  expect(decodeCheckpoint(Buffer.from(JSON.stringify(text)))).toEqual({ ...checkpoint, partitions: {} });
});

test('its LSNs are readable text in Kafka', () => {
  expect(JSON.parse(encodeCheckpoint(checkpoint).toString())).toMatchObject({
    lsn: '16/B374D848',
    part: { lsn: '16/B4000000', seq: 1000 },
    reportedLsn: '16/B374D8F0',
  });
});

test.each([
  ['no JSON', 'hello', /JSON/],
  ['no object', '[]', /no object/],
  ['a newer version', { v: 2 }, /version 2/],
  ['a missing field', { database: undefined }, /database is missing/],
  ['a wrong LSN', { lsn: '12' }, /not an LSN: 12/],
  ['a wrong type', { timeline: '1' }, /timeline: no whole number/],
  ['a wrong part', { part: { lsn: '0/1', seq: -1 } }, /part\.seq/],
  [
    'a wrong publication',
    { publications: { p: { oid: 1, options: '', tables: [1], memberships: [] } } },
    /publications\.p\.tables/,
  ],
  ['a snapshot of a newer version', { snapshot: {} }, /snapshot/],
])('%s makes it unreadable, and the error says where', (_what, change, message) => {
  const text: object = JSON.parse(encodeCheckpoint(checkpoint).toString());
  const value = typeof change === 'string' ? change : JSON.stringify({ ...text, ...change });
  const attempt = () => decodeCheckpoint(Buffer.from(value));
  expect(attempt).toThrow(expect.objectContaining({ code: 'checkpoint-unreadable', retry: 'operator' }));
  expect(attempt).toThrow(message);
});
