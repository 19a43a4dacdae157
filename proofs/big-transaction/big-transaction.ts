/** One transaction of very many rows and events; the relay killed while it publishes it; every record counted. */
import { poll } from '@diptych/runtime/poll';
import type { Say } from '@diptych/testkit/progress';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import { startStack } from '@diptych/testkit/stack';
import { Bridge } from '../bridge.ts';
import { readCommitted } from '../java-consumer.ts';
import { type Counted, Ordinals } from './ordinals.ts';

export interface BigTransactionOptions {
  readonly rows: number;
  /** Of one transaction, evenly spread over it. */
  readonly kills: number;
  readonly nodeArguments: readonly string[];
  readonly say: Say;
  readonly signal: AbortSignal;
}

export interface Result {
  /** Distinct records that came, over both panels, of `owed`. */
  readonly received: number;
  readonly owed: number;
  readonly repeated: number;
  /** Records that are no part of the transaction. */
  readonly phantom: number;
  /** ENDs of it: one. */
  readonly ends: number;
  readonly kills: number;
  readonly peakRssBytes: number;
  readonly publishSeconds: number;
}

/** One event for so many rows. */
export const rowsPerEvent = 10;

const schema = `
  create table items (id bigint primary key, cart int not null, sku text not null, quantity int not null,
    price numeric(12, 2) not null, note text not null, changed_at timestamptz not null default now());
  create table outbox (id uuid not null default gen_random_uuid(), aggregatetype text not null,
    aggregateid text not null, type text not null, payload jsonb not null, aggregateversion bigint not null,
    typeversion int not null default 1, headers jsonb not null default '{}',
    occurred_at timestamptz not null default now(), xid xid8 not null default pg_current_xact_id());
  alter table outbox replica identity full;
`;

const askingIntervalMs = 100;
const publishTimeoutMs = 20 * 60_000;

/** Runs it; ends what it started. */
export async function bigTransaction(options: BigTransactionOptions): Promise<Result> {
  const { nodeArguments, say, signal } = options;
  const stack = await startStack({ say, signal });
  try {
    const bridge = await Bridge.create({ stack, schema, relays: ['A'], settings: {}, nodeArguments });
    try {
      return await run(bridge, options);
    } finally {
      await bridge.close({ keepLogs: false });
      if (stack.kind === 'external') await bridge.drop();
    }
  } finally {
    await stack.stop();
  }
}

async function run(bridge: Bridge, { rows, kills, say, signal }: BigTransactionOptions): Promise<Result> {
  const [relay] = bridge.relays;
  if (!relay) throw new Error('a relay');
  relay.start();
  say(`writing ${rows} rows and ${events(rows)} events in one transaction`);
  await write(bridge, rows);
  const startedAt = performance.now();
  const owed = rows + events(rows);
  for (let kill = 1; kill <= kills; kill += 1) {
    // Each life counts from 0: the next one publishes its share, and is killed within it.
    await untilPublished(relay, { records: Math.floor(owed / (kills + 1)), say, signal });
    await relay.kill();
    say(`killed after about ${Math.floor((owed * kill) / (kills + 1))} records`);
    relay.start();
  }
  const watching = watchPeak(relay);
  const whole = await bridge.caughtUp({ timeoutMs: publishTimeoutMs, signal });
  const publishSeconds = Math.round(performance.now() - startedAt) / 1000;
  await watching.stop();
  await bridge.stopRelays();
  if (!whole) say('the relay did not publish all of it in time');
  say(`counting with Java’s console consumer`);
  const counted = await count(bridge, { rows, signal });
  return { ...counted, owed, kills, peakRssBytes: relay.peakRssBytes, publishSeconds };
}

export const events = (rows: number): number => Math.ceil(rows / rowsPerEvent);

/** Rows first, then events: in one transaction, so that it is one to everybody. */
async function write(bridge: Bridge, rows: number): Promise<void> {
  await bridge.query(`
    begin;
    insert into items (id, cart, sku, quantity, price, note)
      select n, n / ${rowsPerEvent}, 'sku-' || n % 977, n % 9 + 1, n % 10000 / 100.0, repeat('banana ', 8)
      from generate_series(1, ${rows}) n;
    insert into outbox (aggregatetype, aggregateid, type, payload, aggregateversion)
      select 'cart', n::text, 'CartImported', jsonb_build_object('cart', n, 'items', ${rowsPerEvent}), 1
      from generate_series(1, ${events(rows)}) n;
    commit`);
}

async function untilPublished(
  relay: RelayProcess,
  { records, say, signal }: { records: number; say: Say; signal: AbortSignal },
): Promise<void> {
  const look = async () => {
    await relay.samplePeak();
    const published = (await relay.recordsPublished()) ?? 0;
    say(`${published} of ${records} records until the kill`, 'moving');
    return published >= records || undefined;
  };
  const what = `the relay has published ${records} records`;
  await poll(look, { what, timeoutMs: publishTimeoutMs, intervalMs: askingIntervalMs, signal });
}

function watchPeak(relay: RelayProcess): { stop(): Promise<void> } {
  const timer = setInterval(() => void relay.samplePeak(), askingIntervalMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await relay.samplePeak();
    },
  };
}

type Tally = Pick<Result, 'received' | 'repeated' | 'phantom' | 'ends'>;

/** Every record by its ordinal: one for each row and event, and one END behind the last. */
async function count(
  bridge: Bridge,
  { rows, signal }: { rows: number; signal: AbortSignal },
): Promise<Tally> {
  const { brokers } = bridge;
  const read = async (topic: string, expected: { from: number; to: number }): Promise<Counted> => {
    const ordinals = new Ordinals(expected);
    for await (const { headers } of readCommitted({ brokers, topic, values: false, signal }))
      ordinals.take(headers);
    return ordinals.counted();
  };
  const owed = rows + events(rows);
  const [items, cart, end] = await Promise.all([
    read(bridge.changeTopic('items'), { from: 1, to: rows }),
    read(bridge.domainTopic('cart'), { from: rows + 1, to: owed }),
    read(bridge.transactionTopic, { from: owed + 1, to: owed + 1 }),
  ]);
  return {
    received: items.distinct + cart.distinct,
    repeated: items.repeated + cart.repeated + end.repeated,
    phantom: items.others + cart.others + end.others,
    ends: end.distinct,
  };
}
