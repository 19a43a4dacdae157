import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { testBrokers, testPrefix } from './for-tests.ts';
import { freePorts } from './port.ts';
import { startStack } from './stack.ts';

const databaseUrl = inject('diptychDatabaseUrl');
const KAFKA_BROKERS = testBrokers().join(',');

function external(changed: { DATABASE_URL?: string; KAFKA_BROKERS?: string }) {
  const env = { DIPTYCH_STACK: 'external', DATABASE_URL: databaseUrl, KAFKA_BROKERS, ...changed };
  return startStack({ env });
}

test('servers that are set are used as they are, and stopping leaves them running', async () => {
  const said: string[] = [];
  const env = { DATABASE_URL: databaseUrl, KAFKA_BROKERS };
  const stack = await startStack({ env, say: (line) => said.push(line) });
  expect(stack).toMatchObject({ kind: 'external', databaseUrl, brokers: testBrokers() });
  expect(said).toEqual(['stack: external (DATABASE_URL and KAFKA_BROKERS are set)']);
  await stack.stop();
  await (await external({})).stop();
});

test('a server that is not there is refused by its address', async () => {
  const [nobody = 0] = await freePorts(1);
  await expect(external({ KAFKA_BROKERS: `127.0.0.1:${nobody}` })).rejects.toMatchObject({
    code: 'kafka-unreachable',
    message: `no Kafka broker answers at 127.0.0.1:${nobody}`,
  });
  await expect(external({ DATABASE_URL: `postgres://127.0.0.1:${nobody}/postgres` })).rejects.toMatchObject({
    code: 'postgres-unreachable',
  });
});

test('one broker that answers is enough', async () => {
  const [nobody = 0] = await freePorts(1);
  const stack = await external({ KAFKA_BROKERS: `127.0.0.1:${nobody}, ${KAFKA_BROKERS}` });
  expect(stack.brokers).toEqual([`127.0.0.1:${nobody}`, ...testBrokers()]);
});

test('a wrong password is told as such, and never printed', async () => {
  const url = new URL(databaseUrl);
  url.password = 'not-the-secret';
  const refused = await external({ DATABASE_URL: url.href }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'postgres-refused-login' });
  expect(String(refused)).not.toContain('not-the-secret');
});

test('a user who is no superuser is refused', async () => {
  const role = testPrefix();
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(`create role ${role} login password 'x'`);
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = 'x';
  await expect(external({ DATABASE_URL: url.href })).rejects.toMatchObject({
    code: 'postgres-privilege-missing',
  });
  await client.query(`drop role ${role}`);
  await client.end();
});

test.each([{ DATABASE_URL: 'localhost' }, { KAFKA_BROKERS: 'localhost' }])(
  'what is not an address is refused before anything is asked: %j',
  async (changed) => {
    await expect(external(changed)).rejects.toMatchObject({ code: 'configuration-invalid' });
  },
);
