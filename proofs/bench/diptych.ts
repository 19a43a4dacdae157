/** Our relay, as the image starts it: both panels and END, exactly once. */
import { join } from 'node:path';
import { present } from '@diptych/runtime/assert';
import { freePorts } from '@diptych/testkit/port';
import { RelayProcess, type RelaySettings } from '@diptych/testkit/relay-process';
import type { Backlog } from './backlog.ts';
import { builtRelay } from './built-relay.ts';
import type { Competitor, Entry, Ground } from './competitor.ts';
import { Destination } from './destination.ts';

export const oursName = 'diptych';

export interface DiptychOptions {
  readonly name?: string;
  readonly settings?: RelaySettings;
  readonly nodeArguments?: readonly string[];
}

export function diptych({
  name = oursName,
  settings = {},
  nodeArguments = [],
}: DiptychOptions = {}): Competitor {
  return {
    name,
    prepare: async (ground, id) => {
      const [port] = await freePorts(1);
      const relay = new RelayProcess({
        ...{
          name: id,
          logFile: join(ground.directory, `${id}.log`),
          watchdog: ground.watchdog,
          main: await builtRelay(),
          nodeArguments,
        },
        settings: {
          DIPTYCH_DATABASE_URL: ground.databaseUrl,
          DIPTYCH_KAFKA_BROKERS: ground.brokers.join(','),
          DIPTYCH_SLOT: id,
          DIPTYCH_PREFIX: id,
          DIPTYCH_OUTBOX_TOPIC_PREFIX: `${id}.outbox.event.`,
          DIPTYCH_HTTP_PORT: String(port),
          DIPTYCH_CHANGE_INCLUDE: ground.capture.tables.join(','),
          DIPTYCH_SNAPSHOT_MODE: ground.capture.source === 'snapshot' ? 'initial' : 'no_data',
          ...settings,
        },
      });
      await relay.initialise();
      return entry(ground, { relay, id });
    },
  };
}

function entry(ground: Ground, { relay, id }: { relay: RelayProcess; id: string }): Entry {
  const { brokers, capture } = ground;
  const own = { transaction: `${id}.transaction`, snapshot: `${id}.snapshot` };
  const changeTopics = capture.tables.map((table) => `${id}.${table}`);
  // They come into being with their first event.
  const eventTopics = capture.aggregateTypes.map((type) => `${id}.outbox.event.${type}`);
  const isAtEnd = async (seen: Destination, { transactions, lastXid }: Backlog) => {
    if (capture.source === 'stream') {
      const last = await seen.last(own.transaction, { behind: transactions });
      return last?.key?.toString().startsWith(`{"id":"${lastXid}:`) ?? false;
    }
    const word = (await seen.last(own.snapshot, { behind: 0 }))?.value?.toString() ?? '';
    return word.includes('"status":"completed"');
  };
  return {
    slots: [id],
    start: async () => {
      const seen = await Destination.of(brokers, [...changeTopics, own.transaction, own.snapshot]);
      relay.start();
      return {
        pids: [present(relay.pid, 'a relay')],
        eventTopic: eventTopics[0] ?? null,
        hasBegun: async () => (await seen.stable(changeTopics)) > 0,
        hasAll: async (backlog) => {
          if (!relay.running) throw new Error(`the relay ended\n${await relay.lastLine()}`);
          return await isAtEnd(seen, backlog);
        },
        count: async () => {
          await seen.close();
          const all = await Destination.of(brokers, [...changeTopics, own.transaction, ...eventTopics]);
          return await all.count();
        },
        // Each row and event, and END of each transaction.
        owed: ({ transactions, changes, events }) => transactions + changes + events,
      };
    },
    stop: async () => void (await relay.stop()),
  };
}
