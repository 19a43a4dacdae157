/**
 * Load that shows every loss, repeat and swap: rows that count up, each step with its domain event. What stands in the
 * database at the end says what must stand in Kafka: of each row every number once, in order.
 */
import { parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord } from '@diptych/kafka/record';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import pg from 'pg';
import { expect } from 'vitest';

/** Few enough that each is counted often, more than a topic has partitions. */
const rows = 20;

/** Some 80 transactions in a second, no more: a relay that was away must catch up within a test's time. */
const pauseMs = 25;

const count = `
  with counted as (update carts set note = (note::int + 1)::text where id = $1 returning id, note)
  insert into outbox (aggregatetype, aggregateid, type, payload, aggregateversion)
  select 'cart', id, 'Counted', jsonb_build_object('n', note::int), note::int from counted`;

export class CountingLoad {
  readonly #relay: RelayUnderTest;
  #writing = true;
  #work: Promise<unknown> = Promise.resolve();
  #answered = 0;

  private constructor(relay: RelayUnderTest) {
    this.#relay = relay;
  }

  /** Writes on two connections until `stop`, over every outage. */
  static async start(relay: RelayUnderTest): Promise<CountingLoad> {
    await relay.sql.query(`insert into carts (id, note) select g, '0' from generate_series(1, ${rows}) g`);
    const load = new CountingLoad(relay);
    load.#work = Promise.all([load.#write(), load.#write()]);
    return load;
  }

  /** Commits that were answered. */
  get answered(): number {
    return this.#answered;
  }

  async stop(): Promise<void> {
    this.#writing = false;
    await this.#work;
  }

  async #write(): Promise<void> {
    let client: pg.Client | null = null;
    while (this.#writing) {
      try {
        client ??= await connected(this.#relay.configuration.database.url);
        await client.query(count, [1 + Math.floor(Math.random() * rows)]);
        this.#answered += 1;
      } catch {
        await client?.end().catch(() => {});
        client = null;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await client?.end();
  }
}

async function connected(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/**
 * What Kafka holds is what the database did: of each row every number once and in order, in both panels, an END for each
 * transaction, each partition in commit order. `otherTransactions` were written besides the load.
 */
export async function expectCountedOnce(
  relay: RelayUnderTest,
  { otherTransactions = 0 }: { otherTransactions?: number } = {},
): Promise<void> {
  const { rows: found } = await relay.sql.query<{ id: number; note: string }>('select id, note from carts');
  const changes = await relay.records(relay.topicOf('carts'));
  const events = await relay.records(relay.domainTopic('cart'));
  const ends = await relay.records(relay.transactionTopic);
  const last = new Map(found.map(({ id, note }) => [String(id), Number(note)]));
  const ofChange = ({ key, value }: IncomingRecord) => ({
    key: String(JSON.parse(String(key)).id),
    n: Number(JSON.parse(String(value)).after.note),
  });
  const ofEvent = ({ key, value }: IncomingRecord) => ({
    key: String(key),
    n: Number(JSON.parse(String(value)).n),
  });
  const findings = [
    ...deviations(changes, { last, first: 0, countOf: ofChange }),
    ...deviations(events, { last, first: 1, countOf: ofEvent }),
    ...[changes, events, ends].flatMap(disorder),
  ];
  expect(findings.slice(0, 20)).toEqual([]);
  // Each count is a transaction, and so is the insert of the rows.
  expect(ends).toHaveLength(events.length + 1 + otherTransactions);
}

interface Expected {
  readonly last: ReadonlyMap<string, number>;
  readonly first: number;
  readonly countOf: (record: IncomingRecord) => { readonly key: string; readonly n: number };
}

/** Where a key does not go on with its next number, and where it ends too early. */
function deviations(records: readonly IncomingRecord[], { last, first, countOf }: Expected): string[] {
  const findings: string[] = [];
  const next = new Map([...last.keys()].map((key) => [key, first]));
  for (const record of records) {
    const { key, n } = countOf(record);
    if (n !== next.get(key)) {
      findings.push(`${placeOf(record)}: ${key} is ${n}, not ${next.get(key)}`);
    }
    next.set(key, n + 1);
  }
  for (const [key, n] of last) {
    if (next.get(key) !== n + 1) findings.push(`${key} ends before ${next.get(key)}, not with ${n}`);
  }
  return findings;
}

/** Where an older transaction stands behind a later one. */
function disorder(records: readonly IncomingRecord[]): string[] {
  const newest = new Map<number, bigint>();
  return records.flatMap((record) => {
    const { commitLsn } = parseIdentity(record.headers.get('diptych-tx') ?? '');
    const before = newest.get(record.partition) ?? 0n;
    newest.set(record.partition, commitLsn);
    return commitLsn < before ? [`${placeOf(record)} is older than what stands before it`] : [];
  });
}

const placeOf = ({ topic, partition, offset }: IncomingRecord): string =>
  `${topic}, partition ${partition}, offset ${offset}`;
