import { poll } from '@diptych/runtime/poll';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack } from './stack.ts';

let stack: Extract<Stack, { kind: 'embedded' }>;
beforeAll(async () => {
  const started = await startStack({ env: { ...process.env, DIPTYCH_STACK: 'embedded' } });
  if (started.kind !== 'embedded') throw new Error('only the embedded stack can have a standby');
  stack = started;
});
afterAll(() => stack.stop());

async function query<Row extends pg.QueryResultRow>(databaseUrl: string, text: string): Promise<Row[]> {
  const client = new pg.Client(databaseUrl);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

test('a standby follows its primary, and outlives it as the primary of a newer timeline', {
  timeout: 120_000,
}, async () => {
  await query(stack.databaseUrl, 'create table t as select 1 as committed');
  const standby = await stack.startStandby({ name: 'other', settings: {} });
  await query(stack.databaseUrl, 'insert into t values (2)');
  const arrived = async () => {
    const rows = await query<{ committed: number }>(standby.databaseUrl, 'select committed from t');
    return rows.length === 2 || undefined;
  };
  await poll(arrived, { what: 'the standby has the row', timeoutMs: 60_000 });
  await expect(query(standby.databaseUrl, 'insert into t values (3)')).rejects.toThrow(/read-only/);
  await stack.postgres.kill();
  await standby.promote();
  await query(standby.databaseUrl, 'insert into t values (3)');
  const wal = await query<{ timeline: string }>(
    standby.databaseUrl,
    'select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline',
  );
  expect(wal).toEqual([{ timeline: '00000002' }]);
});
