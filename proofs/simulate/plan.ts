/** What happens in one schedule, drawn from its seed as plain data, so that a failing one can be made smaller. */
import type { DeliveryMode } from '@diptych/delivery/protocol';
import { leaders } from './partitions.ts';
import { Random } from './random.ts';

export interface ChangeShape {
  readonly bytes: number;
  /** 0: filtered, or a table of no panel; 2: a delete and its tombstone. */
  readonly records: 0 | 1 | 2;
}

export type Write =
  | {
      readonly tag: 'transaction';
      readonly atMs: number;
      readonly changes: readonly ChangeShape[];
      /** WAL between the commit before and this one; 0 makes the two adjacent. */
      readonly gapBytes: number;
    }
  /** Another database's WAL, a vacuum, a transaction that was rolled back: nothing of it is sent. */
  | { readonly tag: 'unsent'; readonly atMs: number; readonly bytes: number }
  /** Somebody asks for a parked record to be released: it stands in the topic of such commands at once. */
  | { readonly tag: 'command'; readonly atMs: number };

export type Fault = { readonly atMs: number } & (
  | { readonly tag: 'relay-killed'; readonly relay: number; readonly downMs: number }
  /** SIGSTOP, then SIGCONT: a zombie when somebody took over meanwhile. */
  | { readonly tag: 'relay-hung'; readonly relay: number; readonly forMs: number }
  /** SIGTERM, then started again. */
  | { readonly tag: 'relay-stopped'; readonly relay: number; readonly downMs: number }
  /** The slot falls back to what was saved. */
  | { readonly tag: 'postgres-crashed'; readonly downMs: number }
  | { readonly tag: 'postgres-restarted'; readonly downMs: number }
  | { readonly tag: 'slot-saved' }
  | { readonly tag: 'walsender-killed' }
  /** Each side learns of it in its own time. */
  | { readonly tag: 'connection-cut'; readonly clientNoticesMs: number; readonly serverNoticesMs: number }
  /** The machine is off the network: what it sends or is sent waits, and the server gives the slot free. */
  | { readonly tag: 'relay-cut-off'; readonly relay: number; readonly forMs: number }
  /** All brokers restart: requests wait or fail. */
  | { readonly tag: 'kafka-away'; readonly forMs: number }
  /** One partition, or the transaction coordinator, is without a leader; the others answer. */
  | { readonly tag: 'leader-elected'; readonly leader: number; readonly forMs: number }
);

export interface Plan {
  readonly seed: number;
  readonly delivery: DeliveryMode;
  readonly relays: number;
  readonly writes: readonly Write[];
  readonly faults: readonly Fault[];
  /** Chance that a relay dies before it performs an action. */
  readonly deathPerAction: number;
  /** Chance that it hangs, or loses its network, before it deals with what has just arrived. */
  readonly upsetPerTurn: number;
  /** Chance that a request to Kafka, or its answer, is lost; half as often it is delivered twice, at once or later. */
  readonly lossPerRequest: number;
  /** Chance that a request is under way for up to `slowMsMax`: it arrives when nobody waits for it any more. */
  readonly slowPerRequest: number;
  /** From here on everything works; the system must come to rest. */
  readonly calmAtMs: number;
}

export const slowMsMax = 2500;

/** Sizes of the model: a Kafka transaction is cut at 100 "bytes", so that most schedules divide some transaction. */
export const limits = {
  batchBytesMax: 100,
  pieceBytesMax: 30,
  queueBytesMax: 200,
  statusIntervalMs: 300,
  idleCheckpointIntervalMs: 800,
  idleCheckpointBytes: 5000,
  publishTimeoutMs: 2500,
  drainTimeoutMs: 60_000,
};

/** Of one change. */
const changeBytesMax = 130;

/** A change that is larger than a batch is one by itself. */
export const largestBatchBytes = Math.max(limits.batchBytesMax, changeBytesMax);

/** In the order of the product's defaults, an eighth as long, so that a schedule has few idle ticks. */
export const timing = {
  clockIntervalMs: 100,
  walSenderTimeoutMs: 1200,
  transactionTimeoutMs: 1800,
  requestTimeoutMs: 1200,
  standbyPollMs: 100,
  backOffMinMs: 20,
  backOffMaxMs: 300,
};

/** A swarm: each schedule has some kinds of faults and not others, so that rare pairs meet often. */
export function drawPlan(seed: number, delivery: DeliveryMode): Plan {
  const random = new Random(seed);
  const calmAtMs = random.between(400, 4000);
  const relays = random.whole(1, 3);
  const faulty = random.chance(0.5);
  return {
    seed,
    delivery,
    relays,
    calmAtMs,
    writes: [...drawWrites(random, calmAtMs), ...drawCommands(random, calmAtMs)],
    faults: drawFaults(random, { calmAtMs, relays }),
    deathPerAction: random.chance(0.25) ? random.between(0.005, 0.05) : 0,
    upsetPerTurn: random.chance(0.25) ? random.between(0.002, 0.02) : 0,
    lossPerRequest: faulty && random.chance(0.6) ? random.between(0.02, 0.2) : 0,
    slowPerRequest: faulty && random.chance(0.5) ? random.between(0.02, 0.2) : 0,
  };
}

function drawWrites(random: Random, calmAtMs: number): Write[] {
  const count = random.whole(2, 24);
  const adjacency = random.chance(0.5) ? 0.8 : 0.2;
  const writes: Write[] = [];
  for (let index = 0; index < count; index++) {
    // Most come early: a backlog is where batches, pieces and back-pressure are.
    const atMs = calmAtMs * random.next() ** 2;
    if (random.chance(0.12)) {
      writes.push({ tag: 'unsent', atMs, bytes: random.chance(0.2) ? 6000 : random.whole(1, 300) });
      continue;
    }
    const gapBytes = random.chance(adjacency) ? 0 : random.whole(1, 200);
    writes.push({ tag: 'transaction', atMs, gapBytes, changes: drawChanges(random) });
  }
  return writes.toSorted((a, b) => a.atMs - b.atMs);
}

function drawCommands(random: Random, calmAtMs: number): Write[] {
  if (!random.chance(0.3)) return [];
  return Array.from({ length: random.whole(1, 4) }, () => ({
    tag: 'command',
    atMs: calmAtMs * random.next(),
  }));
}

function drawChanges(random: Random): ChangeShape[] {
  const kind = random.next();
  if (kind < 0.08) return [];
  const count = kind < 0.2 ? random.whole(10, 30) : random.whole(1, 5);
  const filtered = kind > 0.93;
  return Array.from({ length: count }, () => {
    const records = filtered || random.chance(0.1) ? 0 : random.chance(0.1) ? 2 : 1;
    const bytes = random.chance(0.03) ? random.whole(100, changeBytesMax) : random.whole(3, 25);
    return { bytes: records === 0 ? 0 : bytes, records };
  });
}

const faultTags = [
  'relay-killed',
  'relay-hung',
  'relay-stopped',
  'postgres-crashed',
  'postgres-restarted',
  'slot-saved',
  'walsender-killed',
  'connection-cut',
  'relay-cut-off',
  'kafka-away',
  'leader-elected',
] as const satisfies readonly Fault['tag'][];

function drawFaults(random: Random, { calmAtMs, relays }: { calmAtMs: number; relays: number }): Fault[] {
  const kinds = faultTags.filter(() => random.chance(0.35));
  if (kinds.length === 0) return [];
  return Array.from({ length: random.whole(1, 8) }, (): Fault => {
    const tag = kinds[random.whole(0, kinds.length - 1)] ?? 'slot-saved';
    const longest = random.chance(0.3) ? 2500 : 300;
    const duration = random.between(5, longest);
    // One drawing for all kinds: taking a fault out of a plan leaves the others as they are.
    return {
      tag,
      atMs: calmAtMs * random.next(),
      relay: random.whole(0, relays - 1),
      leader: random.whole(0, leaders - 1),
      downMs: duration,
      forMs: duration,
      clientNoticesMs: duration,
      serverNoticesMs: random.between(1, longest),
    };
  }).toSorted((a, b) => a.atMs - b.atMs);
}
