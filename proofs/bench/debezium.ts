/**
 * Debezium's connectors on Kafka Connect: no END, no identity, at least once.
 * https://debezium.io/documentation/reference/3.7/connectors/postgresql.html
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureTopics, eventTopicSpec } from '@diptych/kafka/topics';
import { present } from '@diptych/runtime/assert';
import { queryAt } from '../bridge.ts';
import { Connect, type ConnectorConfiguration, capturing } from '../conformance/connect.ts';
import type { ConnectInstallation } from '../conformance/connect-installation.ts';
import { publications, tablesWithOutbox } from './backlog.ts';
import type { Competitor, Entry, Ground } from './competitor.ts';
import { Destination } from './destination.ts';

/** The heap that the memory is compared with; the rest is what a JVM on two cores takes by itself. */
const jvmArguments = ['-Xms64m', '-Xmx512m'];

/** Large batches everywhere, short waits: what drained the fastest. */
export const throughput: ConnectorConfiguration = {
  'max.batch.size': '8192',
  'max.queue.size': '32768',
  'poll.interval.ms': '10',
  'producer.override.linger.ms': '10',
  'producer.override.batch.size': '524288',
  'producer.override.buffer.memory': '67108864',
};

/** No waits. */
export const lowLatency: ConnectorConfiguration = {
  'poll.interval.ms': '5',
  'producer.override.linger.ms': '0',
};

/** One of the connectors of a worker: with a slot, and topics that exist before. */
interface Connector {
  readonly id: string;
  readonly topics: readonly string[];
  readonly configuration: ConnectorConfiguration;
}

/** One connector on all tables, the outbox among them: one slot, nothing routed. */
export function debezium(
  installation: ConnectInstallation,
  { name = 'Debezium', tuning = throughput }: { name?: string; tuning?: ConnectorConfiguration } = {},
): Competitor {
  const connectorsOf = (ground: Ground, id: string): Connector[] => {
    const topics = tablesWithOutbox(ground.capture).map((table) => `${id}.${table}`);
    return [
      {
        id,
        topics,
        configuration: { ...connector(ground, { id, publication: publications.all }), ...tuning },
      },
    ];
  };
  return competitor({ installation, name, connectorsOf });
}

/**
 * Two connectors in one worker, each with a slot: changes of the tables, and the outbox's events routed, as a user must run it
 * for both panels. https://debezium.io/documentation/reference/3.7/transformations/outbox-event-router.html
 */
export function debeziumPair(installation: ConnectInstallation): Competitor {
  const connectorsOf = (ground: Ground, id: string): Connector[] => {
    const { tables, aggregateTypes } = ground.capture;
    const [changes, events] = [`${id}_changes`, `${id}_events`];
    const routed = `${events}.outbox.event`;
    return [
      {
        id: changes,
        topics: tables.map((table) => `${changes}.${table}`),
        configuration: {
          ...connector(ground, { id: changes, publication: publications.changes }),
          ...throughput,
        },
      },
      {
        id: events,
        topics: aggregateTypes.map((type) => `${routed}.${type}`),
        configuration: {
          ...connector(ground, { id: events, publication: publications.events }),
          ...throughput,
          transforms: 'outbox',
          'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
          'transforms.outbox.route.topic.replacement': `${routed}.\${routedByValue}`,
          'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
          'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        },
      },
    ];
  };
  return competitor({ installation, name: 'Debezium’s pair', connectorsOf });
}

function competitor({
  installation,
  name,
  connectorsOf,
}: {
  installation: ConnectInstallation;
  name: string;
  connectorsOf: (ground: Ground, id: string) => Connector[];
}): Competitor {
  return {
    name,
    prepare: async (ground, id) => {
      const connectors = connectorsOf(ground, id);
      for (const { id: slot } of connectors)
        await queryAt(ground.databaseUrl, `select pg_create_logical_replication_slot($1, 'pgoutput')`, [
          slot,
        ]);
      const topics = connectors.flatMap((each) => each.topics);
      await ensureTopics({ brokers: ground.brokers, specs: topics.map(eventTopicSpec) });
      return entry(ground, { installation, directory: join(ground.directory, id), connectors });
    },
  };
}

function entry(
  ground: Ground,
  {
    installation,
    directory,
    connectors,
  }: { installation: ConnectInstallation; directory: string; connectors: readonly Connector[] },
): Entry {
  const topics = connectors.flatMap((each) => each.topics);
  let connect: Connect | null = null;
  return {
    slots: connectors.map(({ id }) => id),
    start: async () => {
      const seen = await Destination.of(ground.brokers, topics);
      await mkdir(directory, { recursive: true });
      const { brokers, watchdog, signal } = ground;
      const worker = await Connect.start({
        ...{ installation, brokers, directory, watchdog, signal, jvmArguments },
        properties: { 'offset.flush.interval.ms': '10000' },
      });
      connect = worker;
      for (const { id, configuration } of connectors) await worker.put(id, configuration);
      let asked = 0;
      return {
        pids: [present(worker.pid, 'a worker')],
        eventTopic: topics.find((topic) => topic.endsWith('outbox')) ?? null,
        hasBegun: async () => (await seen.stable()) > 0,
        hasAll: async ({ changes, events }) => {
          asked += 1;
          if (asked % 100 === 0) for (const { id } of connectors) await requireRunning(worker, id);
          return (await seen.stable()) >= changes + events;
        },
        count: () => seen.count(),
        owed: ({ changes, events }) => changes + events,
      };
    },
    stop: async () => {
      await connect?.close();
      connect = null;
    },
  };
}

async function requireRunning(connect: Connect, id: string): Promise<void> {
  const state = await connect.state(id);
  if (state.tag === 'failed') throw new Error(`the connector failed\n${state.trace}`);
}

function connector(
  { databaseUrl, capture }: Ground,
  { id, publication }: { id: string; publication: string },
): ConnectorConfiguration {
  return {
    ...capturing(databaseUrl, { id, publication }),
    'header.converter': 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
    'snapshot.mode': capture.source === 'snapshot' ? 'initial' : 'no_data',
  };
}
