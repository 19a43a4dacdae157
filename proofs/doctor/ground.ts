/** The ground that faults are planted in: real servers of our own, with nothing to complain of. */
import { type Configuration, readConfiguration } from '@diptych/relay-app/configuration';
import { type Examination, examine } from '@diptych/relay-app/doctor/doctor';
import { createDatabase } from '@diptych/testkit/database';
import type { Say } from '@diptych/testkit/progress';
import type { RelaySettings } from '@diptych/testkit/relay-process';
import pg from 'pg';
import { queryAt, startOwnStack } from '../bridge.ts';
import { runKafkaTool } from '../kafka-tool.ts';
import type { World } from './fault.ts';

const name = 'proof';
const role = 'relay';
const password = 'relay';

const tables = [
  'create table carts (id int primary key, note text)',
  'create table items (id int primary key, code text not null unique, note text)',
  'create table measurements (id int, year int, primary key (id, year)) partition by list (year)',
  'create table measurements_2026 partition of measurements for values in (2026)',
  'create table measurements_2027 partition of measurements for values in (2027)',
  ...['outbox', 'events'].map(
    (table) =>
      `create table ${table} (id uuid primary key, aggregatetype text, aggregateid text, type text, payload jsonb)`,
  ),
  'create table outbox_heads (id int primary key)',
  'create publication diptych_outbox for table outbox with (publish_via_partition_root = true)',
  'create publication diptych_change for table carts, items, measurements',
];

/** The least that a relay needs whose publications are given. */
const leastRole = [
  `create role ${role} login replication password '${password}'`,
  `grant pg_read_all_stats to ${role}`,
  `grant select on all tables in schema public to ${role}`,
];

export type Ground = Awaited<ReturnType<typeof prepareGround>>;

export async function prepareGround({ say, signal }: { say: Say; signal: AbortSignal }) {
  const stack = await startOwnStack({ say, signal });
  if (stack.kind !== 'embedded') throw new Error('servers of one’s own are embedded');
  for (const [setting, value] of [
    ['max_prepared_transactions', '5'],
    ['max_slot_wal_keep_size', '10GB'],
  ])
    await queryAt(stack.databaseUrl, `alter system set ${setting} = '${value}'`);
  await stack.postgres.stop();
  await stack.postgres.start();
  const databaseUrl = await createDatabase(stack.databaseUrl, 'shop');
  for (const statement of [...tables, ...leastRole]) await queryAt(databaseUrl, statement);
  const asRole = new URL(databaseUrl);
  asRole.username = role;
  asRole.password = password;
  const settings: RelaySettings = {
    DIPTYCH_DATABASE_URL: asRole.href,
    DIPTYCH_KAFKA_BROKERS: stack.brokers.join(','),
    DIPTYCH_SLOT: name,
    DIPTYCH_PREFIX: name,
    DIPTYCH_PUBLICATION: 'given',
    DIPTYCH_CHANGE_EXCLUDE: '*.outbox,*.outbox_heads,*.events',
    DIPTYCH_HTTP_PORT: '0',
  };
  return { stack, databaseUrl, settings, signal };
}

/** A configuration as the relay's environment has it, with what one fault changes. */
export const configurationOf = (settings: RelaySettings): Configuration =>
  readConfiguration({ file: undefined, environment: { ...settings } });

/** What the doctor says; any open transaction is a long one. */
export const look = (settings: RelaySettings): Promise<Examination> =>
  examine({ configuration: configurationOf(settings), longTransactionSeconds: 0 });

/** The world of one fault, and what has to be done when it is over. */
export function worldOf({
  stack,
  databaseUrl,
  brokers,
  signal,
}: Pick<Ground, 'stack' | 'databaseUrl' | 'signal'> & { readonly brokers: readonly string[] }): {
  readonly world: World;
  readonly end: () => Promise<void>;
} {
  const undone: (() => Promise<void>)[] = [];
  const world: World = {
    ...{ postgres: stack.postgres, role, name },
    sql: async (text) => {
      await queryAt(databaseUrl, text);
    },
    kafka: (commandLine) => runKafkaTool(commandLine.replace('BROKERS', brokers.join(',')), signal),
    openSession: async (text) => {
      const client = new pg.Client({ connectionString: databaseUrl });
      // It is ended by the statement that is to be proved.
      client.on('error', () => {});
      await client.connect();
      undone.push(() => client.end().catch(() => {}));
      await client.query(text);
    },
  };
  const end = async () => {
    for (const undo of undone) await undo();
  };
  return { world, end };
}
