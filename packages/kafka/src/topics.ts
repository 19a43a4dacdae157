/** Names and defaults of topics (docs/wire.md, "Names and defaults"), and their creation. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { ProtocolError } from '@platformatic/kafka';
import { type AdminClient, administrate } from './admin-client.ts';
import { classify, errorCodes } from './classify.ts';
import { within } from './deadline.ts';
import { FetchClient, type TopicLocation } from './fetch-client.ts';

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Kept for ever: join, drift and replay say from which commit on they are complete, and by default that is the first. */
const kept = { 'cleanup.policy': 'delete', 'retention.ms': '-1' } as const;
/** A heartbeat is of interest when it comes: seven days are for whoever looks back. */
const heartbeats = { 'cleanup.policy': 'delete', 'retention.ms': '604800000' } as const;

/**
 * By default a broker refuses records that are more than an hour ahead of its own clock, and Kafka's refusal would end the
 * relay: a clock that jumps, Postgres's or ours, must not. https://kafka.apache.org/43/configuration/topic-configs/
 */
export const ofAnyTime = { 'message.timestamp.after.max.ms': String(2n ** 63n - 1n) } as const;

/** Of a topic with domain or change events; records of a key stay in one partition. */
const eventPartitions = 6;

/** What Kafka does not allow in a name becomes `_`. Two names that collide are refused by who chooses them. */
export function legalTopicName(text: string): string {
  return text.replace(/[^A-Za-z0-9._-]/g, '_');
}

/** `outbox.event.<aggregatetype>` */
export function domainTopicName(aggregateType: string): string {
  return legalTopicName(`outbox.event.${aggregateType}`);
}

/** `<prefix>.<schema>.<table>` */
export function changeTopicName({
  prefix,
  schema,
  table,
}: {
  prefix: string;
  schema: string;
  table: string;
}): string {
  return legalTopicName(`${prefix}.${schema}.${table}`);
}

export interface OwnTopics {
  /** END of each transaction. */
  readonly transaction: string;
  readonly parked: string;
  readonly checkpoint: string;
  /** Commands on snapshots, and what became of them. */
  readonly snapshot: string;
  /** Only of a relay that emits heartbeats. */
  readonly heartbeat: string;
}

/** The relay's own topics. */
export function ownTopicNames({ prefix, slot }: { prefix: string; slot: string }): OwnTopics {
  return {
    transaction: legalTopicName(`${prefix}.transaction`),
    parked: legalTopicName(`${prefix}.parked`),
    checkpoint: legalTopicName(`${prefix}.checkpoint.${slot}`),
    snapshot: legalTopicName(`${prefix}.snapshot`),
    heartbeat: legalTopicName(`${prefix}.heartbeat`),
  };
}

/** A topic of domain events or of change events. */
export function eventTopicSpec(name: string): TopicSpec {
  return { name, partitions: eventPartitions, config: kept };
}

/** All topics of a relay: its own, one partition each, and those of the given event topics. */
export function topicSpecs(names: {
  prefix: string;
  slot: string;
  eventTopics: readonly string[];
  /** Whether it emits heartbeats. */
  heartbeat?: boolean;
}): TopicSpec[] {
  const own = ownTopicNames(names);
  return [
    { name: own.transaction, partitions: 1, config: kept },
    { name: own.parked, partitions: 1, config: kept },
    { name: own.snapshot, partitions: 1, config: kept },
    // One partition for one slot: the last stable offset of a shared one would hide the newest checkpoint.
    { name: own.checkpoint, partitions: 1, config: { 'cleanup.policy': 'compact' } },
    ...(names.heartbeat ? [{ name: own.heartbeat, partitions: 1, config: heartbeats }] : []),
    ...names.eventTopics.map(eventTopicSpec),
  ];
}

interface AdminRequest {
  readonly brokers: Brokers;
  /** Default 30 s: creating a thousand topics takes a small broker several seconds. */
  readonly timeoutMs?: number;
}

function adminOptions({ brokers, timeoutMs = 30_000 }: AdminRequest, what: string) {
  return { brokers, clientId: 'diptych-admin', requestTimeoutMs: timeoutMs, limitMs: timeoutMs, what };
}

/**
 * Creates what is missing and waits until every partition has a leader.
 * An existing topic is left as it is. Safe to run several times at once. Returns the names it created.
 * Throws OperatingError: `topic-not-creatable`, `kafka-unreachable`, `kafka-refused`.
 */
export async function ensureTopics(
  request: AdminRequest & {
    readonly specs: readonly TopicSpec[];
    /** -1, the default, is the broker's own. */
    readonly replicationFactor?: number;
  },
): Promise<string[]> {
  const names = request.specs.map((spec) => spec.name);
  const existing = await askTopics(request, names);
  const missing = request.specs.filter((spec) => !existing.has(spec.name));
  const created =
    missing.length === 0
      ? []
      : await administrate(adminOptions(request, 'creating topics'), (admin) =>
          create(admin, missing, request.replicationFactor ?? -1),
        );
  await untilLed(request, names);
  return created;
}

async function create(
  admin: AdminClient,
  specs: readonly TopicSpec[],
  replicationFactor: number,
): Promise<string[]> {
  const outcomes = await admin.createTopics(
    specs.map(({ name, partitions, config }) => ({
      name,
      partitions,
      replicationFactor,
      config: { ...ofAnyTime, ...config },
    })),
  );
  const created: string[] = [];
  for (const [name, failure] of outcomes) {
    if (failure === null) created.push(name);
    // It came into being meanwhile.
    else if (!errorCodes(failure).has('TOPIC_ALREADY_EXISTS')) throw notCreatable(name, failure);
  }
  return created;
}

function notCreatable(topic: string, failure: ProtocolError): OperatingError {
  const said = 'serverErrorMessage' in failure ? failure.serverErrorMessage : null;
  const text = typeof said === 'string' ? said : failure.message;
  return new OperatingError('topic-not-creatable', `the topic ${topic} cannot be created: ${text}`, {
    remedy: 'Give the relay the ACL Create on the cluster or on its topics, or create the topic by hand.',
    cause: failure,
  });
}

/**
 * The topics that exist, of the named ones or of all, one without a leader included. Throws OperatingError: `kafka-unreachable`, `kafka-refused`.
 */
export async function askTopics(
  { brokers, timeoutMs = 30_000 }: AdminRequest,
  names: readonly string[] | 'all',
): Promise<Map<string, TopicLocation>> {
  const client = new FetchClient({ brokers, requestTimeoutMs: timeoutMs });
  try {
    return await within(client.topics(names), { limitMs: timeoutMs, what: 'asking for topics' });
  } catch (error) {
    throw classify(error, 'asking');
  } finally {
    await client.close();
  }
}

/**
 * Until every leader answers for its partitions: a broker shows itself as the leader of a new partition before it has
 * opened it.
 */
async function untilLed(
  { brokers, timeoutMs = 30_000 }: AdminRequest,
  names: readonly string[],
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const client = new FetchClient({ brokers, requestTimeoutMs: timeoutMs });
  try {
    for (;;) {
      const failure = await leaderFailure(client, names);
      if (failure === undefined) return;
      if (performance.now() > deadline) throw classify(failure, 'asking');
      await sleep(20);
    }
  } finally {
    await client.close();
  }
}

async function leaderFailure(client: FetchClient, names: readonly string[]): Promise<unknown> {
  try {
    const topics = await client.topics(names);
    if (topics.size < new Set(names).size) return new Error('not every topic is known yet');
    await client.offsets(topics.values(), 'first');
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * Whether Kafka answers: the cluster's id and how many brokers it has.
 * Throws OperatingError: `kafka-unreachable`, `kafka-refused`.
 */
export async function describe(
  brokers: Brokers,
  timeoutMs = 10_000,
): Promise<{ clusterId: string; brokers: number }> {
  return await administrate(adminOptions({ brokers, timeoutMs }, 'asking for the cluster'), async (admin) => {
    const { clusterId, nodeIds } = await admin.cluster();
    return { clusterId, brokers: nodeIds.length };
  });
}
