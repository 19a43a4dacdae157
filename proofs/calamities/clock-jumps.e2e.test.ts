/**
 * Proves that a wall clock which jumps by hours, forwards and back, in the middle of the load costs nothing: no session, no
 * record, no order. Pauses and limits are measured on the monotonic clock, and the times in records are Postgres's.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { parseLossless } from '@diptych/runtime/json';
import { poll } from '@diptych/runtime/poll';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createShop,
  expectAllOnce,
  hasRole,
  identityOf,
  keepWriting,
  Relays,
  slotNow,
} from './shop-for-tests.ts';

const hourMs = 3_600_000;
const preload = new URL('clock-for-tests.ts', import.meta.url);

let shop: RelayUnderTest;
let relays: Relays;
let directory: string;
beforeEach(async () => {
  shop = await createShop();
  await shop.initialise();
  relays = await Relays.of(shop);
  directory = await mkdtemp(join(tmpdir(), 'diptych-clock-'));
});
afterEach(async () => {
  await relays.close();
  await shop.close();
  await rm(directory, { recursive: true, force: true });
});

test.each(['platformatic', 'kafkajs'])(
  'a clock that jumps under load costs nothing (%s)',
  {
    timeout: 180_000,
  },
  async (driver) => {
    const clock = join(directory, 'ahead-ms');
    await writeFile(clock, '0');
    const relay = await relays.add('jumping', {
      settings: { DIPTYCH_KAFKA_DRIVER: driver },
      nodeArguments: ['--import', `${preload.href}?file=${encodeURIComponent(clock)}`],
    });
    relay.start();
    await hasRole(relay, 'active');
    const writtenFromMs = Date.now();
    const load = keepWriting(shop.configuration.database.url);
    const { holder } = await slotNow(shop);
    for (const aheadHours of [7, -7, 24 * 400, 0]) {
      const ahead = String(aheadHours * hourMs);
      await writeFile(clock, ahead);
      await poll(async () => ((await readFile(`${clock}.seen`, 'utf8')) === ahead ? true : undefined), {
        what: `the relay's clock is ${aheadHours} h ahead`,
        timeoutMs: 30_000,
      });
      await shop.caughtUp();
    }
    const committed = await load.stop();
    await shop.caughtUp();
    const writtenToMs = Date.now();
    expect((await slotNow(shop)).holder).toBe(holder);
    await relay.stop();
    await expectAllOnce(shop, committed);
    const records = await shop.records(shop.topicOf('carts'));
    const times = records.flatMap((record) => [
      Number(identityOf(record).commitTimeUs / 1000n),
      Number(record.timestampMs),
      Number((parseLossless(String(record.value)) as { source: { ts_ms: unknown } }).source.ts_ms),
    ]);
    expect(times.every((ms) => ms >= writtenFromMs - hourMs / 60 && ms <= writtenToMs + hourMs / 60)).toBe(
      true,
    );
  },
);
