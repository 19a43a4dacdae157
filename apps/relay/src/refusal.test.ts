import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { parseLsn } from '@diptych/wal/lsn';
import type { Publication } from '@diptych/wal/publication';
import type { SourceSystem } from '@diptych/wal/server';
import { expect, test } from 'vitest';
import { configurationSchema } from './configuration.ts';
import { refusal, refuseChangedOptions, refuseForeign } from './refusal.ts';
import { optionsHash } from './source.ts';

const published = (change: Partial<Publication> = {}): Publication => ({
  name: 'diptych_change',
  oid: 16_391,
  options: 'insert,update,delete,truncate',
  tables: ['public.carts'],
  members: [{ schema: 'public', name: 'carts' }],
  memberships: ['16384:16392:'],
  ...change,
});

const checkpoint = (change: Partial<Checkpoint> = {}): Checkpoint => ({
  v: 1,
  slot: 'diptych',
  systemId: '7421896543210987654',
  database: 'shop',
  timeline: 1,
  era: 1795246912669,
  lsn: parseLsn('0/2000'),
  part: null,
  reportedLsn: parseLsn('0/2030'),
  optionsHash: optionsHash([published()]),
  publications: {},
  partitions: {},
  snapshot: null,
  ...change,
});

const source = (change: Partial<SourceSystem> = {}): SourceSystem => ({
  systemId: '7421896543210987654',
  database: 'shop',
  timeline: 1,
  history: [],
  ...change,
});

const half = { lsn: parseLsn('0/3000'), seq: 100 };

test('what decides how a transaction is cut may not change while one is published in half', () => {
  const viaRoot = optionsHash([published({ options: 'insert,update,delete,truncate,via-root' })]);
  expect(() => refuseChangedOptions(checkpoint({ part: half }), viaRoot)).toThrow(
    expect.objectContaining({ code: 'options-changed', remedy: expect.stringMatching(/back as they were/) }),
  );
  expect(() => refuseChangedOptions(checkpoint(), viaRoot)).not.toThrow();
});

test('the order of the publications, their oids and their tables do not count as such a change', () => {
  const outbox = published({ name: 'diptych_outbox' });
  const same = [optionsHash([outbox, published()]), optionsHash([published({ oid: 1, tables: [] }), outbox])];
  expect(new Set(same).size).toBe(1);
});

test('another system or database is foreign, and no checkpoint is nobody’s', () => {
  const foreign = expect.objectContaining({ code: 'checkpoint-foreign' });
  expect(() => refuseForeign(checkpoint(), source({ systemId: '1' }))).toThrow(foreign);
  expect(() => refuseForeign(checkpoint(), source({ database: 'other' }))).toThrow(foreign);
  expect(() => refuseForeign(checkpoint(), source())).not.toThrow();
  expect(() => refuseForeign(null, source())).not.toThrow();
});

test('what is missing can be read from the tables, and the refusal says how', () => {
  const configuration = configurationSchema.parse({
    database: { url: 'postgres://h/d' },
    kafka: { brokers: ['h:1'] },
  });
  expect(refusal('slot-moved-or-recreated', configuration).remedy).toContain('`diptych snapshot`');
});
