/** The whole: servers, links, relays, writers, faults; then quiet, and the referee. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryMode } from '@diptych/delivery/protocol';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { FaultProxy } from '@diptych/testkit/fault-proxy';
import type { UnaskedExit } from '@diptych/testkit/node-process';
import { parseAddress } from '@diptych/testkit/port';
import type { Say } from '@diptych/testkit/progress';
import { Bridge, startOwnStack } from '../bridge.ts';
import { listTopics, readCommitted } from '../java-consumer.ts';
import { type Findings, Referee } from '../referee.ts';
import { Random } from '../simulate/random.ts';
import { read, type Source } from './fact.ts';
import { type FaultCounts, Faults, neverDone } from './faults.ts';
import { type LedgerRow, owedBy } from './ledger.ts';
import { aggregateType, excluded, schema, tables } from './tables.ts';
import { type Load, Writer } from './writer.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Not over before so many relays were killed and every fault was done, unless it takes `minutesFactorMax` times as long. 0: by time alone. */
  readonly kills: number;
  readonly driver: 'platformatic' | 'kafkajs';
  readonly mode: DeliveryMode;
  readonly keep: boolean;
  readonly say: Say;
  readonly signal: AbortSignal;
}

export interface Outcome {
  readonly findings: Findings;
  readonly faults: FaultCounts;
  readonly load: Load;
  /** Whether the slot passed everything within the time, once all was quiet. */
  readonly drained: boolean;
  readonly drainSeconds: number;
  /** Relays that ended by themselves. */
  readonly exits: readonly UnaskedExit[];
}

const writers = 4;
const partitions = 3;
/** The load waits above it: an hour of chaos must not end in an hour of draining. */
const lagBytesMax = 32 * 1024 * 1024;
const drainTimeoutMs = 180_000;
const samplingMs = 500;
const minutesFactorMax = 3;
/** Of the writers, the first so many are cut off together with the relays: answers to their COMMIT are lost. */
const writersBehindProxy = 2;
/** All topics at once: each console is a JVM, which mostly waits. */
const refereesAtOnce = 6;

/** Small, so that everything happens often: splits, back-pressure, the loss of a hung relay's slot. */
const settings = {
  DIPTYCH_KAFKA_PARTITIONS: String(partitions),
  DIPTYCH_CHANGE_EXCLUDE: excluded.join(','),
  DIPTYCH_LIMITS_BATCH_BYTES_MAX: String(64 * 1024),
  DIPTYCH_LIMITS_QUEUE_BYTES_MAX: String(256 * 1024),
  DIPTYCH_TIMING_WAL_SENDER_TIMEOUT_MS: '3000',
  DIPTYCH_TIMING_STATUS_INTERVAL_MS: '500',
  DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '2000',
} as const;

/** Runs it and answers what came of it; ends everything it started. Throws OperatingError when it cannot begin. */
export async function chaos(options: ChaosOptions): Promise<Outcome> {
  const { say, signal } = options;
  const stack = await startOwnStack({ say, signal });
  const broker = present(parseAddress(stack.brokers[0] ?? ''), 'the broker');
  const database = new URL(stack.databaseUrl);
  const links = {
    kafka: await FaultProxy.openKafka(broker),
    postgres: await FaultProxy.open({ host: database.hostname, port: Number(database.port) }),
  };
  try {
    const bridge = await Bridge.create({
      stack,
      schema,
      relays: ['A', 'B'],
      settings: { ...settings, DIPTYCH_KAFKA_DRIVER: options.driver, DIPTYCH_DELIVERY: options.mode },
      addresses: { databasePort: links.postgres.port, broker: `127.0.0.1:${links.kafka.port}` },
    });
    let clean = false;
    try {
      const outcome = await run({ bridge, stack, links, options });
      clean = outcome.findings.examples.length === 0 && outcome.exits.length === 0 && outcome.drained;
      if (options.keep) await leaveUp(bridge, options);
      return outcome;
    } finally {
      const keepLogs = !clean && !signal.aborted;
      if (keepLogs) say(`logs of the relays: ${bridge.directory}`);
      await bridge.close({ keepLogs });
    }
  } finally {
    await Promise.all([links.kafka.close(), links.postgres.close()]);
    await stack.stop();
  }
}

type Servers = Awaited<ReturnType<typeof startOwnStack>>;

interface Run {
  readonly bridge: Bridge;
  readonly stack: Servers;
  readonly links: { readonly kafka: FaultProxy; readonly postgres: FaultProxy };
  readonly options: ChaosOptions;
}

async function run({ bridge, stack, links, options }: Run): Promise<Outcome> {
  const { seed, minutes, kills, say, signal } = options;
  for (const relay of bridge.relays) relay.start();
  const load: Load = { writing: true, behind: false, answered: 0, rolledBack: 0, failed: 0 };
  const behindProxy = new URL(bridge.databaseUrl);
  behindProxy.port = String(links.postgres.port);
  const writing = Promise.all(
    Array.from({ length: writers }, (_, id) => {
      const databaseUrl = id < writersBehindProxy ? behindProxy.href : bridge.databaseUrl;
      return new Writer({ databaseUrl, id, random: new Random(seed * 1000 + id), load }).run();
    }),
  );
  writing.catch(() => {}); // raced below
  const over = new AbortController();
  const faults = new Faults(
    {
      ...stack,
      ...{ relays: bridge.relays, databaseUrl: bridge.databaseUrl, slot: bridge.slot, links },
      mode: options.mode,
    },
    { over: AbortSignal.any([over.signal, signal]) },
  );
  const watching = watch({ bridge, load, faults, say, minutes, kills, over });
  const random = (hand: number) => new Random(seed * 1000 + 100 + hand);
  const breaking = faults.run({
    relays: random(0),
    zombies: random(1),
    links: random(2),
    servers: random(3),
  });
  try {
    await Promise.race([breaking, writing.then(() => breaking)]);
  } finally {
    over.abort();
    load.writing = false;
    await Promise.allSettled([breaking, writing]);
    await watching.stop();
  }
  signal.throwIfAborted();
  say('quiet again; waiting for the relay to publish the rest');
  const startedAt = performance.now();
  const drained = await drain(bridge, signal);
  const drainSeconds = Math.round((performance.now() - startedAt) / 100) / 10;
  await bridge.stopRelays();
  const exits = (await Promise.all(bridge.relays.map((relay) => relay.unaskedExits()))).flat();
  const findings = await judge({ bridge, mode: options.mode, say, signal });
  return { findings, faults: faults.counts, load, drained, drainSeconds, exits };
}

/** A relay that ends by itself meanwhile is started again, as whoever runs it would. */
async function drain(bridge: Bridge, signal: AbortSignal): Promise<boolean> {
  const reviving = setInterval(() => {
    for (const relay of bridge.relays) if (!relay.running) relay.start();
  }, samplingMs);
  try {
    return await bridge.caughtUp({ timeoutMs: drainTimeoutMs, signal });
  } finally {
    clearInterval(reviving);
  }
}

/** Bounds the load, says how it goes, and when it is over. */
function watch(options: {
  bridge: Bridge;
  load: Load;
  faults: Faults;
  say: Say;
  minutes: number;
  kills: number;
  over: AbortController;
}): { stop(): Promise<void> } {
  const { bridge, load, faults, say, minutes, kills, over } = options;
  const enough = () => kills === 0 || (faults.counts.kills >= kills && neverDone(faults.counts).length === 0);
  const startedAt = performance.now();
  let watching = true;
  const work = (async () => {
    while (watching) {
      const lag = await bridge.lagBytes();
      if (lag !== null) load.behind = lag > lagBytesMax;
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      const factor = seconds / (minutes * 60);
      if (factor >= minutesFactorMax || (factor >= 1 && enough())) over.abort();
      const behind = lag === null ? 'Postgres away' : `${(lag / 1e6).toFixed(1)} MB behind`;
      say(
        `${seconds} of ${minutes * 60} s · ${load.answered} committed · ${faults.counts.kills} relays killed · ${behind}`,
        'moving',
      );
      await sleep(samplingMs);
    }
  })();
  return {
    stop: async () => {
      watching = false;
      await work;
    },
  };
}

/** The ledger as the database has it, against every record that a consumer of others gets. */
async function judge({
  bridge,
  mode,
  say,
  signal,
}: {
  bridge: Bridge;
  mode: DeliveryMode;
  say: Say;
  signal: AbortSignal;
}): Promise<Findings> {
  const ledger = await poll(
    async () =>
      await bridge
        .query<LedgerRow>('select xid::text as xid, writer, n, facts from ledger')
        .catch(() => undefined),
    { what: 'the ledger can be read', timeoutMs: 30_000, signal },
  );
  say(`the referee reads ${ledger.length} transactions with Java’s console consumer`);
  const referee = new Referee<Source>({ owed: owedBy(ledger, { partitions }), mode, read });
  const sources: [Source, string][] = [
    ...tables.map((table): [Source, string] => [table, bridge.changeTopic(table)]),
    ['event', bridge.domainTopic(aggregateType)],
    ['end', bridge.transactionTopic],
  ];
  const known = new Set([...sources.map(([, topic]) => topic), bridge.checkpointTopic]);
  const others = (await listTopics({ brokers: bridge.brokers, signal })).filter(
    (topic) => !known.has(topic) && !topic.startsWith('__'),
  );
  const topics: [Source | 'stray', string][] = [
    ...sources,
    ...others.map((topic): ['stray', string] => ['stray', topic]),
  ];
  await Promise.all(
    Array.from({ length: refereesAtOnce }, async () => {
      for (let next = topics.shift(); next; next = topics.shift()) {
        const [source, topic] = next;
        for await (const record of readCommitted({ brokers: bridge.brokers, topic, values: true, signal })) {
          if (source === 'stray') referee.stray(topic, record);
          else referee.take(source, record);
        }
      }
    }),
  );
  return referee.findings();
}

/** `--keep`: so that anyone can recount by other means. */
async function leaveUp(bridge: Bridge, { say, signal }: ChaosOptions): Promise<void> {
  say(`Postgres  ${bridge.databaseUrl}\nKafka     ${bridge.brokers.join(',')} (topics ${bridge.prefix}.*)`);
  say('left up; Ctrl-C ends them');
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}
