/** In each mode a relay of ours and a connector of Debezium's, set up to publish the same. */
import { join } from 'node:path';
import { freePorts } from '@diptych/testkit/port';
import type { RelaySettings } from '@diptych/testkit/relay-process';
import type { Stack } from '@diptych/testkit/stack';
import type { Watchdog } from '@diptych/testkit/watchdog';
import type { SnapshotUse, Step } from './case-file.ts';
import { type Connect, type ConnectorConfiguration, capturing } from './connect.ts';
import { type Forms, formsOf } from './forms.ts';
import type { Mode } from './modes.ts';
import { DebeziumSide, DiptychSide, type Side } from './side.ts';

export interface Servers {
  readonly stack: Stack;
  readonly connect: Connect;
  readonly modes: readonly Mode[];
  /** Logs of the relays. */
  readonly directory: string;
  readonly watchdog: Watchdog;
  readonly signal: AbortSignal;
}

export interface SessionOptions {
  /** Besides those of the mode. */
  readonly relay: RelaySettings;
  readonly connector: ConnectorConfiguration;
  readonly preparation: readonly Step[];
  readonly snapshots: SnapshotUse | undefined;
}

export interface ModeSides {
  readonly mode: Mode;
  /** How ours represents values. */
  readonly forms: Forms;
  readonly ours: DiptychSide;
  readonly theirs: Side;
}

interface SideOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly options: SessionOptions;
}

/** The sides of a session, none of them started. */
export async function createSides(servers: Servers, session: SideOptions): Promise<ModeSides[]> {
  const ports = await freePorts(servers.modes.length);
  return servers.modes.map((mode, index) => ({
    mode,
    forms: formsOf({ ...mode.relay, ...withPrefix(session.options.relay, 'ours') }),
    ours: createOurs(servers, { ...session, mode, port: ports[index] ?? 0 }),
    theirs: createTheirs(servers, { ...session, mode }),
  }));
}

/**
 * Does something to all sides: to ours one after the other, for the second relay finds the publications that the first one
 * made, and to theirs meanwhile. Throws what went wrong when nothing is under way any more.
 */
export async function eachSide(
  sides: readonly ModeSides[],
  act: (side: Side) => Promise<void>,
): Promise<void> {
  const inTurn = async (some: readonly Side[]) => {
    for (const side of some) await act(side);
  };
  const all = [sides.map(({ ours }) => ours), sides.map(({ theirs }) => theirs)];
  const ended = await Promise.allSettled(all.map(inTurn));
  for (const one of ended) if (one.status === 'rejected') throw one.reason;
}

function createOurs(
  { stack, directory, watchdog }: Servers,
  { name, databaseUrl, options, mode, port }: SideOptions & { mode: Mode; port: number },
): DiptychSide {
  const prefix = `${name}_${mode.name}_ours`;
  return new DiptychSide({
    name: prefix,
    logFile: join(directory, `${prefix}.log`),
    watchdog,
    settings: {
      DIPTYCH_DATABASE_URL: databaseUrl,
      DIPTYCH_KAFKA_BROKERS: stack.brokers.join(','),
      // One partition: all records of a topic have one order.
      DIPTYCH_KAFKA_PARTITIONS: '1',
      DIPTYCH_SLOT: prefix,
      DIPTYCH_PREFIX: prefix,
      DIPTYCH_OUTBOX_TOPIC_PREFIX: `${prefix}.outbox.event.`,
      DIPTYCH_HTTP_PORT: String(port),
      ...mode.relay,
      ...withPrefix(options.relay, prefix),
    },
  });
}

/** https://debezium.io/documentation/reference/3.7/connectors/postgresql.html#postgresql-connector-properties */
function createTheirs(
  { connect }: Servers,
  { name, databaseUrl, options, mode }: SideOptions & { mode: Mode },
): Side {
  const prefix = `${name}_${mode.name}_theirs`;
  const configuration = {
    ...capturing(databaseUrl, { id: prefix, publication: 'reference' }),
    'provide.transaction.metadata': 'true',
    // Times to wait, not what is published.
    'poll.interval.ms': '10',
    'retriable.restart.connector.wait.ms': '500',
    'slot.retry.delay.ms': '500',
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
    'header.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'header.converter.schemas.enable': 'false',
    // A partition's records in one request, so that order between topics is that of requests (Session.caughtUp).
    'producer.override.batch.size': '4194304',
    'producer.override.max.request.size': '33554432',
    'producer.override.max.in.flight.requests.per.connection': '1',
    ...mode.connector,
    ...withPrefix(options.connector, prefix),
  };
  return new DebeziumSide({ name: prefix, connect, configuration });
}

/** `%prefix%` in an option is the side's own name, which is its prefix unless it is given another one. */
function withPrefix(options: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, value.replaceAll('%prefix%', prefix)]),
  );
}
