import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfiguration, maskSecrets, settingsOf } from './configuration.ts';

const schema = z.strictObject({
  database: z.strictObject({ url: z.string().meta({ description: 'Where Postgres is', secret: true }) }),
  kafka: z.strictObject({ brokers: z.array(z.string()).min(1) }),
  limits: z.strictObject({ batchBytesMax: z.number().int().default(10) }).prefault({}),
});

const directory = mkdtempSync(join(tmpdir(), 'diptych-configuration-'));
afterAll(() => rmSync(directory, { recursive: true }));

function load(content: unknown, environment: Record<string, string> = {}) {
  const path = join(directory, 'diptych.config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfiguration({ schema, file: { path, required: true }, environment });
}

const whole = { database: { url: 'postgres://a:secret@h/db' }, kafka: { brokers: ['h:1'] } };

test('a setting comes from the environment, else the file, else its default', () => {
  expect(load(whole).limits.batchBytesMax).toBe(10);
  expect(load({ ...whole, limits: { batchBytesMax: 20 } }).limits.batchBytesMax).toBe(20);
  const environment = {
    DIPTYCH_LIMITS_BATCH_BYTES_MAX: '30',
    DIPTYCH_KAFKA_BROKERS: 'a:1, b:2',
    PATH: '/bin',
  };
  const configuration = load({ ...whole, limits: { batchBytesMax: 20 } }, environment);
  expect(configuration.limits.batchBytesMax).toBe(30);
  expect(configuration.kafka.brokers).toEqual(['a:1', 'b:2']);
});

test('what belongs to other parts in the same environment is left to them', () => {
  const others = { DIPTYCH_CONSOLE_TOKEN: 'x', DIPTYCH_CONSOLE_KEPT: '1', DIPTYCH_TESTKIT_SERVERS: '{}' };
  expect(load(whole, others)).toEqual(load(whole));
});

test('unknown keys are refused by name, in the file and in the environment', () => {
  expect(() => load({ ...whole, kafka: { brokers: ['a'], broker: 'b' } })).toThrow(
    'kafka.broker is not a setting',
  );
  expect(() => load(whole, { DIPTYCH_KAFKA_BROKER: 'b' })).toThrow('DIPTYCH_KAFKA_BROKER is not a setting');
});

test('a wrong value is refused with its path and its variable', () => {
  expect(() => load({ kafka: { brokers: [] }, database: { url: 'x' } })).toThrow(
    'kafka.brokers (DIPTYCH_KAFKA_BROKERS)',
  );
  expect(() => load(whole, { DIPTYCH_LIMITS_BATCH_BYTES_MAX: 'many' })).toThrow('limits.batchBytesMax');
  expect(() => load('{')).toThrow('is not JSON');
});

test('a file that was not named may be missing, a named one may not', () => {
  const path = join(directory, 'nowhere.json');
  const environment = { DIPTYCH_DATABASE_URL: 'postgres://h/d', DIPTYCH_KAFKA_BROKERS: 'h:1' };
  expect(loadConfiguration({ schema, file: { path, required: false }, environment }).kafka.brokers).toEqual([
    'h:1',
  ]);
  expect(() => loadConfiguration({ schema, file: { path, required: true }, environment })).toThrow(
    'cannot be read',
  );
});

test('what is printed holds no password', () => {
  const url = (text: string) => maskSecrets(schema, load({ ...whole, database: { url: text } }));
  expect(JSON.stringify(url('postgres://a:secret@h/db?password=secret'))).not.toContain('secret');
  expect(JSON.stringify(url('host=h password=secret'))).not.toContain('secret');
  // A password that reads as a URL.
  expect(JSON.stringify(url('pass:secret'))).not.toContain('secret');
});

test('each leaf of the schema is a setting with its variable', () => {
  expect(settingsOf(schema).map(({ variable, type, secret }) => [variable, type, secret])).toEqual([
    ['DIPTYCH_DATABASE_URL', 'string', true],
    ['DIPTYCH_KAFKA_BROKERS', 'list', false],
    ['DIPTYCH_LIMITS_BATCH_BYTES_MAX', 'number', false],
  ]);
});
