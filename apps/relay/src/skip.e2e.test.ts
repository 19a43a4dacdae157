/** One transaction that cannot be published holds up neither what came before it nor, once skipped, what comes after. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '@diptych/runtime/failure';
import { createLogger } from '@diptych/runtime/log';
import { openCatalogue } from '@diptych/wal/catalogue';
import { formatLsn, type Lsn, lsn, parseLsn } from '@diptych/wal/lsn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AcceptedGap } from './parking/parked-record.ts';
import { ParkedTopic } from './parking/parked-topic.ts';
import { RelayUnderTest } from './relay-under-test.ts';
import { skipTransaction } from './skip.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

let relay: RelayUnderTest;
beforeEach(async () => {
  relay = await RelayUnderTest.create({ DIPTYCH_LIMITS_ROW_BYTES_MAX: '5000' });
  await relay.initialise();
});
afterEach(() => relay.close());

const insert = (id: number, note = 'small') =>
  relay.sql.query('insert into carts (id, note) values ($1, $2)', [id, note]);
const poison = (id: number) => insert(id, 'x'.repeat(6000));

async function skip(commitLsn: Lsn): Promise<AcceptedGap | null> {
  const { configuration } = relay;
  const catalogue = await openCatalogue(configuration.database.url);
  const log = createLogger('skip', { level: 'silent' });
  try {
    return await skipTransaction({ configuration, catalogue, commitLsn, log });
  } finally {
    await catalogue.close();
  }
}

async function refusedWith(work: Promise<unknown>): Promise<OperatingError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OperatingError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** The relay runs until it refuses to go on; answers the commit LSN that it names. */
async function stopsAt(): Promise<Lsn> {
  const { code, message } = await refusedWith(relay.start().ended);
  expect(code).toBe('row-too-large');
  return parseLsn(/commit LSN of the transaction: (\S+)/.exec(message)?.[1] ?? '');
}

/** Runs `diptych` with these arguments. */
async function diptych(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, ...relay.environment, DIPTYCH_LIMITS_ROW_BYTES_MAX: '5000' };
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code as number, out, err };
}

const ids = async () =>
  (await relay.records(relay.topicOf('carts')))
    .map(({ key }) => Number(JSON.parse(String(key)).id))
    .toSorted((a, b) => a - b);

const gaps = async () => {
  const items = await Array.fromAsync(new ParkedTopic(relay.configuration).items());
  return items.flatMap(({ item }) => (item.tag === 'gap' ? [item] : []));
};

test('what came before the poison is published before the relay stops, and only the poison is skipped', async () => {
  for (let id = 1; id <= 50; id += 1) await insert(id);
  await poison(51);
  await insert(52); // adjacent to the one that is skipped
  const at = await stopsAt();
  expect(await ids()).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
  expect(await skip(at)).toMatchObject({
    ...{ from: formatLsn(at), to: formatLsn(lsn(at + 1n)), reason: 'transaction-skipped' },
    detail: expect.stringMatching(/^transaction \d+ of 20/),
  });
  const running = relay.start();
  await relay.caughtUp();
  await running.stop();
  expect(await ids()).toEqual([...Array.from({ length: 50 }, (_, index) => index + 1), 52]);
  expect(await gaps()).toHaveLength(1);
});

test('two poisons are two skips, each of one transaction', async () => {
  await poison(1);
  await poison(2);
  await insert(3);
  const first = await stopsAt();
  await skip(first);
  const second = await stopsAt();
  expect(second).toBeGreaterThan(first);
  await skip(second);
  const running = relay.start();
  await relay.caughtUp();
  await running.stop();
  expect(await ids()).toEqual([3]);
});

test('what is not the next transaction with anything to publish is refused, and nothing is changed', async () => {
  await insert(1);
  await poison(2);
  const at = await stopsAt();
  const refused = async (position: bigint) => (await refusedWith(skip(lsn(position)))).message;
  expect(await refused(at - 1n)).toContain(`the next one commits at ${formatLsn(at)}`);
  expect(await refused(at + 1n)).toContain(`the transaction that commits at ${formatLsn(at)} comes first`);
  expect(await refused(1n)).toContain('is published already');
  expect(await refused(0xffff_0000_0000n)).toContain('the WAL ends at');
  expect(await gaps()).toEqual([]);
  expect(await stopsAt()).toBe(at);
});

test('what nobody has published yet is not skipped along with the poison behind it', async () => {
  await insert(1);
  const { rows } = await relay.sql.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
  await insert(2);
  const refused = await refusedWith(skip(parseLsn(rows[0]?.lsn ?? '')));
  expect(refused).toMatchObject({ code: 'skip-refused', message: expect.stringContaining('comes first') });
});

test('while a relay holds the slot nothing is skipped', async () => {
  const running = relay.start();
  await relay.active(running);
  expect(await refusedWith(skip(parseLsn('F/0')))).toMatchObject({ code: 'slot-held' });
  await running.stop();
});

test('messages and housekeeping before the poison are nothing to publish', async () => {
  await relay.sql.query(
    `insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', '1', 'A', '{}')`,
  );
  const running = relay.start();
  await relay.caughtUp();
  await running.stop();
  await relay.sql.query(`delete from outbox`);
  await relay.sql.query(`select pg_logical_emit_message(true, 'mine', 'hello')`);
  await poison(1);
  await insert(2);
  await skip(await stopsAt());
  const again = relay.start();
  await relay.caughtUp();
  await again.stop();
  expect(await ids()).toEqual([2]);
});

test('the command asks, moves the slot, and is in the list of what is parked', {
  timeout: 180_000,
}, async () => {
  await poison(1);
  const at = formatLsn(await stopsAt());
  expect(await diptych('skip', '--lsn', 'nowhere', '--yes')).toMatchObject({ code: 2 });
  expect(await diptych('skip', '--lsn', at)).toMatchObject({
    code: 2,
    err: expect.stringContaining('Say --yes'),
  });
  expect(await diptych('skip', '--lsn', at, '--yes')).toMatchObject({ code: 0 });
  const { rows } = await relay.sql.query<{ lsn: string }>(
    'select confirmed_flush_lsn as lsn from pg_replication_slots where slot_name = $1',
    [relay.configuration.slot],
  );
  expect(rows[0]?.lsn).toBe(formatLsn(lsn(parseLsn(at) + 1n)));
  const listed = await diptych('parked', 'list');
  expect(listed.out).toContain(`gap from ${at} to ${rows[0]?.lsn}  transaction-skipped`);
});
