/** A database, a topic and a group of one test, and members of the group as processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { effectsOf, NoteTopic, notePool, untilTrue } from '@diptych/inbox/inbox-for-tests';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import type { Pool } from 'pg';

const main = fileURLToPath(import.meta.resolve('@diptych/inbox/member-for-tests'));

export class Readers {
  readonly databaseUrl: string;
  readonly pool: Pool;
  readonly group: string;
  readonly topic: NoteTopic;
  readonly brokers = testBrokers();
  readonly #drop: () => Promise<void>;
  readonly #members = new Set<ChildProcess>();

  private constructor({ url, drop }: { url: string; drop: () => Promise<void> }) {
    this.databaseUrl = url;
    this.#drop = drop;
    this.pool = notePool(url);
    this.group = testPrefix();
    this.topic = new NoteTopic(`${this.group}.notes`, this.brokers);
  }

  static async create({ partitions }: { partitions: number }): Promise<Readers> {
    const readers = new Readers(await testDatabase());
    await readers.topic.create(partitions);
    return readers;
  }

  /** Starts a member; each of its effects takes `holdMs`. */
  member(name: string, { holdMs = 0 }: { holdMs?: number } = {}): ChildProcess {
    const { databaseUrl, brokers, group, topic } = this;
    const child = spawn(process.execPath, [main], {
      env: {
        ...{ PATH: process.env.PATH, DIPTYCH_LOG_LEVEL: process.env.DIPTYCH_LOG_LEVEL ?? 'silent' },
        ...{ DATABASE_URL: databaseUrl, BROKERS: brokers.join(','), GROUP: group, TOPIC: topic.name },
        ...{ NAME: name, HOLD_MS: String(holdMs) },
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#members.add(child);
    return child;
  }

  async end(member: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    this.#members.delete(member);
    if (member.exitCode !== null || member.signalCode !== null) return;
    const exit = once(member, 'exit');
    member.kill(signal);
    await exit;
  }

  /** Waits until the keys have exactly these effects, in this order. */
  async untilEffects(keys: readonly string[], expected: readonly number[]): Promise<void> {
    for (const key of keys) {
      await untilTrue(`${key} has ${expected.length} effects`, async () => {
        return (await this.effects(key)).length >= expected.length;
      });
      const effects = await this.effects(key);
      if (effects.join() !== expected.join()) throw new Error(`${key} has the effects ${effects.join()}`);
    }
  }

  async effects(key: string): Promise<number[]> {
    return await effectsOf(this.pool, key).catch(() => []);
  }

  /** Whether somebody of that name has a transaction open and does nothing in it. */
  async isIdleInTransaction(name: string): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name = $1
         and state = 'idle in transaction'`,
      [name],
    );
    return rowCount === 1;
  }

  /** Who holds the only partition, by the database; how often it has changed hands. */
  async epoch(): Promise<bigint> {
    const { rows } = await this.pool.query<{ epoch: string }>('select epoch from inbox_positions');
    return BigInt(rows[0]?.epoch ?? 0);
  }

  async close(): Promise<void> {
    for (const member of this.#members) await this.end(member, 'SIGKILL');
    await this.topic.close();
    await this.pool.end();
    await this.#drop();
  }
}
