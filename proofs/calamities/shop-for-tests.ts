/** What the calamities of Postgres and of the relay share: relays as processes, a writer that never gives up, the count. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Identity, parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import type { AcceptedGap } from '@diptych/relay-app/parking/parked-record';
import { ParkedTopic } from '@diptych/relay-app/parking/parked-topic';
import { RelayUnderTest, type TestServers } from '@diptych/relay-app/relay-under-test';
import { present } from '@diptych/runtime/assert';
import { addressesOf } from '@diptych/runtime/kafka-access';
import { poll } from '@diptych/runtime/poll';
import type { UnaskedExit } from '@diptych/testkit/node-process';
import { type Address, freePorts } from '@diptych/testkit/port';
import { RelayProcess, type RelaySettings } from '@diptych/testkit/relay-process';
import { Watchdog } from '@diptych/testkit/watchdog';
import pg from 'pg';
import { expect } from 'vitest';

/** Bounds of what takes a moment on a quiet machine: five times slower ones pass too. */
const waitMs = 60_000;

/** WAL that concerns nobody is passed at once: what waits for the slot need not wait for the default of 10 s. */
const idleCheckpointIntervalMs = '200';

/** A fresh database and topics: on the run's servers, unless others are given. */
export function createShop(
  environment: Readonly<Record<`DIPTYCH_${string}`, string>> = {},
  servers?: TestServers,
): Promise<RelayUnderTest> {
  const settings = { DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: idleCheckpointIntervalMs, ...environment };
  return RelayUnderTest.create(settings, servers);
}

/** The processes of relays of one database; `close` ends them. */
export class Relays {
  readonly #shop: RelayUnderTest;
  readonly #directory: string;
  readonly #watchdog = new Watchdog();
  readonly #processes: RelayProcess[] = [];

  private constructor(shop: RelayUnderTest, directory: string) {
    this.#shop = shop;
    this.#directory = directory;
  }

  static async of(shop: RelayUnderTest): Promise<Relays> {
    return new Relays(shop, await mkdtemp(join(tmpdir(), 'diptych-calamity-')));
  }

  /** Not started yet. It has the settings of the database's relay, but for those given. */
  async add(
    name: string,
    {
      settings = {},
      nodeArguments = [],
    }: { settings?: RelaySettings; nodeArguments?: readonly string[] } = {},
  ): Promise<RelayProcess> {
    const [port] = await freePorts(1);
    const { kafka } = this.#shop.configuration;
    const process = new RelayProcess({
      name,
      logFile: this.#logFile(name),
      watchdog: this.#watchdog,
      nodeArguments,
      settings: {
        ...this.#shop.environment,
        DIPTYCH_KAFKA_PARTITIONS: String(kafka.partitions),
        DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: idleCheckpointIntervalMs,
        DIPTYCH_HTTP_PORT: String(port),
        ...settings,
      },
    });
    this.#processes.push(process);
    return process;
  }

  /** What it has said over all its lives. */
  log({ name }: RelayProcess): Promise<string> {
    return readFile(this.#logFile(name), 'utf8');
  }

  async close(): Promise<void> {
    for (const process of this.#processes) process.thaw();
    await Promise.all(this.#processes.map((process) => process.kill()));
    await this.#watchdog.finish();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #logFile(name: string): string {
    return join(this.#directory, `${name}.log`);
  }
}

/** Waits until the process says that it is this. Throws its last words when it has ended instead. */
export async function hasRole(relay: RelayProcess, role: 'active' | 'standby'): Promise<void> {
  const asked = async () => {
    if (!relay.running) throw new Error(`relay ${relay.name} has ended: ${await relay.lastLine()}`);
    return (await relay.status())?.role === role || undefined;
  };
  await poll(asked, { what: `relay ${relay.name} is ${role}`, timeoutMs: waitMs });
}

/** Its one broker, or its Postgres: where a proxy leads to. */
export function brokerOf({ configuration }: RelayUnderTest): Address {
  return addressOf(`tcp://${addressesOf(configuration.kafka.brokers)[0]}`);
}

export function postgresOf({ configuration }: RelayUnderTest): Address {
  return addressOf(configuration.database.url);
}

function addressOf(text: string): Address {
  const { hostname, port } = new URL(text);
  return { host: hostname, port: Number(port) };
}

/** The database by another way. */
export function throughPort(databaseUrl: string, port: number): string {
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  return url.href;
}

export interface SlotNow {
  readonly flushed: string;
  readonly holder: number | null;
}

export async function slotNow({ sql, configuration }: RelayUnderTest): Promise<SlotNow> {
  const { rows } = await sql.query<SlotNow>(
    `select confirmed_flush_lsn::text as flushed, active_pid as holder from pg_replication_slots where slot_name = $1`,
    [configuration.slot],
  );
  return rows[0] ?? { flushed: 'no slot', holder: null };
}

/** The gaps that an operator went on over, as they stand in the parked topic. */
export async function acceptedGaps({ configuration }: RelayUnderTest): Promise<AcceptedGap[]> {
  const items = await Array.fromAsync(new ParkedTopic(configuration).items());
  return items.flatMap(({ item }) => (item.tag === 'gap' ? [item] : []));
}

/** Ends the server's side of the relay's session, as an operator would: of the one there is or is about to be. It is gone then. */
export async function terminateWalSender(shop: RelayUnderTest): Promise<void> {
  const holder = await poll(async () => (await slotNow(shop)).holder ?? undefined, {
    what: 'a session holds the slot',
    timeoutMs: waitMs,
  });
  const { rows } = await shop.sql.query<{ ended: boolean }>('select pg_terminate_backend($1, $2) as ended', [
    holder,
    waitMs,
  ]);
  expect(rows).toEqual([{ ended: true }]);
}

/** Writes carts one by one until told to stop, over every outage; answers which were certainly committed. */
export function keepWriting(databaseUrl: string): { stop(): Promise<ReadonlySet<number>> } {
  const committed = new Set<number>();
  let writing = true;
  const work = (async () => {
    let client: pg.Client | null = null;
    for (let id = 1; writing; id += 1) {
      try {
        if (!client) {
          client = new pg.Client({ connectionString: databaseUrl });
          client.on('error', () => {});
          await client.connect();
        }
        await client.query('insert into carts (id) values ($1)', [id]);
        committed.add(id);
      } catch {
        await client?.end().catch(() => {});
        client = null;
      }
    }
    await client?.end();
  })();
  return {
    stop: async () => {
      writing = false;
      await work;
      return committed;
    },
  };
}

/** A relay runs, publishes one row and stops. */
export async function runAndPublish(shop: RelayUnderTest, id: number): Promise<void> {
  const running = shop.start();
  await shop.active(running);
  await shop.sql.query('insert into carts (id) values ($1)', [id]);
  await shop.caughtUp();
  await running.stop();
}

/**
 * Publishes one more row. A relay that begins reports at once what the checkpoint holds, so that the slot alone says nothing of
 * what it may yet repeat; a repetition would stand before this row.
 */
export async function publishLast(shop: RelayUnderTest): Promise<void> {
  await shop.sql.query('insert into carts (id) values (0)');
  await shop.caughtUp();
}

/** Every row of `carts` has its record, once, in commit order within each partition: the database says which are owed. */
export async function expectAllOnce(
  shop: RelayUnderTest,
  committed: ReadonlySet<number> = new Set(),
): Promise<void> {
  const { rows } = await shop.sql.query<{ id: number }>('select id from carts order by id');
  const records = await shop.records(shop.topicOf('carts'));
  const published = records.map((record) => Number(JSON.parse(String(record.key)).id));
  expect(published.toSorted((a, b) => a - b)).toEqual(rows.map((row) => row.id));
  expect([...committed].filter((id) => !published.includes(id))).toEqual([]);
  for (const partition of Map.groupBy(records, (record) => record.partition).values()) {
    const commits = partition.map((record) => identityOf(record).commitLsn);
    expect(commits).toEqual(commits.toSorted((a, b) => Number(a - b)));
  }
}

export const identityOf = (record: IncomingRecord): Identity =>
  parseIdentity(record.headers.get('diptych-tx') ?? '');

/** Waits until a relay in this process has published something that it had not when this was called. */
export async function publishesAgain(board: { readonly published: bigint }): Promise<void> {
  const before = board.published;
  await poll(() => (board.published > before ? true : undefined), {
    what: 'the relay publishes again',
    timeoutMs: waitMs,
  });
}

/** The ids of carts that are published, each as often as it is, in their order. */
export async function publishedIds(shop: RelayUnderTest): Promise<number[]> {
  const records = await shop.records(shop.topicOf('carts'));
  return records.map(idOf).toSorted((a, b) => a - b);
}

export const idOf = ({ key }: IncomingRecord): number => Number(JSON.parse(String(key)).id);

/** Waits until a process that nobody asked to end has ended by itself. */
export async function exitOf(relay: RelayProcess): Promise<UnaskedExit> {
  await poll(() => (relay.running ? undefined : true), {
    what: `relay ${relay.name} ends by itself`,
    timeoutMs: waitMs,
  });
  const exits = await relay.unaskedExits();
  return present(exits.at(-1), 'an exit that nobody asked for');
}
