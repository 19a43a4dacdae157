/** A primary, its standby, and a relay that knows both: for what happens when one takes the other's place. */
import { readFileSync } from 'node:fs';
import { parseIdentity } from '@diptych/kafka/identity';
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, withDatabase } from '@diptych/testkit/database';
import type { Standby } from '@diptych/testkit/embedded-standby';
import { type Stack, startStack } from '@diptych/testkit/stack';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { type Lsn, parseLsn } from '@diptych/wal/lsn';
import { inspectSlot } from '@diptych/wal/slot';

const slotSyncTimeoutMs = 180_000;
const arrivesTimeoutMs = 60_000;

/** As docs/failover.md calls the standby and its physical slot. */
const standbyName = 'standby_b';

/** The block of docs/failover.md in that section and language. */
export function documented(section: string, language: string): string {
  const page = readFileSync(new URL('../../docs/failover.md', import.meta.url), 'utf8');
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  const block = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(text)?.[1];
  if (block === undefined) throw new Error(`docs/failover.md has no ${language} in the section ${section}`);
  return block;
}

/** What a failover needs on the standby, as documented. */
export const synchronising: Readonly<Record<string, string>> = Object.fromEntries(
  documented('On the standby', 'ini')
    .trim()
    .split('\n')
    .map((line) => line.split(' = ')),
);

export interface Published {
  readonly id: number;
  readonly timeline: number;
  readonly commitLsn: Lsn;
  readonly partition: number;
}

export class PrimaryAndStandby {
  readonly stack: Extract<Stack, { kind: 'embedded' }>;
  readonly standby: Standby;
  readonly relay: RelayUnderTest;
  /** URLs of the captured database: of each server alone. */
  readonly primaryUrl: string;
  readonly standbyUrl: string;

  private constructor(
    parts: Pick<PrimaryAndStandby, 'stack' | 'standby' | 'relay' | 'primaryUrl' | 'standbyUrl'>,
  ) {
    this.stack = parts.stack;
    this.standby = parts.standby;
    this.relay = parts.relay;
    this.primaryUrl = parts.primaryUrl;
    this.standbyUrl = parts.standbyUrl;
  }

  /** Starts servers of its own, and prepares the database for a relay that is given both addresses. */
  static async create(
    standbySettings: Readonly<Record<string, string>>,
    environment: Record<`DIPTYCH_${string}`, string> = {},
  ): Promise<PrimaryAndStandby> {
    const stack = await startStack({ env: { ...process.env, DIPTYCH_STACK: 'embedded' } });
    if (stack.kind !== 'embedded') throw new Error('only the embedded stack can have a standby');
    try {
      const standby = await stack.startStandby({ name: standbyName, settings: standbySettings });
      const primaryUrl = await createDatabase(stack.databaseUrl);
      const standbyUrl = withDatabase(standby.databaseUrl, new URL(primaryUrl).pathname.slice(1));
      const relay = await RelayUnderTest.create(
        { DIPTYCH_DATABASE_URL: bothHosts(primaryUrl, standbyUrl), ...environment },
        { database: async () => ({ url: primaryUrl, drop: async () => {} }), brokers: stack.brokers },
      );
      await relay.initialise();
      return new PrimaryAndStandby({ stack, standby, relay, primaryUrl, standbyUrl });
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Runs statements on the primary, one after another. */
  async runOnPrimary(sql: string): Promise<void> {
    const statements = sql.split(';').filter((statement) => statement.trim() !== '');
    await withCatalogue(this.primaryUrl, async (primary) => {
      for (const statement of statements) await primary.query(statement);
    });
  }

  /** Waits until the standby has a copy of the relay's slot that a promotion keeps. The relay has to run. */
  async slotSynchronised(): Promise<void> {
    await withCatalogue(this.standbyUrl, async (standby) => {
      await withCatalogue(this.primaryUrl, async (primary) => {
        const ready = async () => {
          // A slot is copied once the standby could decode from it; what it waits for is written when asked.
          await primary.query('select pg_log_standby_snapshot()');
          const rows = await standby.query<{ ready: boolean }>(
            `select synced and not temporary and invalidation_reason is null as ready
             from pg_replication_slots where slot_name = $1`,
            [this.relay.configuration.slot],
          );
          return rows[0]?.ready || undefined;
        };
        const what = 'the standby has synchronised the slot';
        await poll(ready, { what, timeoutMs: slotSyncTimeoutMs, intervalMs: 250 });
      });
    });
  }

  /** Cuts the standby off: what it has received is all that it will ever have. */
  async cutOff(): Promise<void> {
    const [position] = await withCatalogue(this.primaryUrl, (sql) =>
      sql.query<{ lsn: string }>('select pg_current_wal_flush_lsn() as lsn'),
    );
    await withCatalogue(this.standbyUrl, async (sql) => {
      const has = async () => {
        const [row] = await sql.query<{ has: boolean }>(
          'select pg_last_wal_replay_lsn() >= $1::pg_lsn as has',
          [position?.lsn],
        );
        return row?.has || undefined;
      };
      await poll(has, { what: 'the standby has what the primary has', timeoutMs: arrivesTimeoutMs });
      await sql.query(`alter system set primary_conninfo = ''`);
      await sql.query('select pg_reload_conf()');
      const off = async () => (await sql.query('select from pg_stat_wal_receiver')).length === 0 || undefined;
      await poll(off, { what: 'the standby receives nothing more', timeoutMs: arrivesTimeoutMs });
    });
  }

  /** The primary dies, and the standby takes its place. */
  async failOver(): Promise<void> {
    await this.stack.postgres.kill();
    await this.standby.promote();
  }

  /** What the promoted server has, in order. */
  async rowsOnPromoted(): Promise<number[]> {
    const rows = await withCatalogue(this.standbyUrl, (sql) =>
      sql.query<{ id: number }>('select id from carts order by id'),
    );
    return rows.map(({ id }) => id);
  }

  /** Waits until the promoted server's slot has passed everything that is committed there. */
  async caughtUpOnPromoted(): Promise<void> {
    await withCatalogue(this.standbyUrl, async (sql) => {
      const [end] = await sql.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
      const passed = async () => {
        const [row] = await sql.query<{ passed: boolean }>(
          'select confirmed_flush_lsn >= $1::pg_lsn as passed from pg_replication_slots where slot_name = $2',
          [end?.lsn, this.relay.configuration.slot],
        );
        return row?.passed || undefined;
      };
      await poll(passed, { what: `the slot has passed ${end?.lsn}`, timeoutMs: arrivesTimeoutMs });
    });
  }

  /** Waits until the relay has the slot of the promoted server. */
  async heldOnPromoted(): Promise<void> {
    const held = async () =>
      (await withCatalogue(this.standbyUrl, (sql) => inspectSlot(sql, this.relay.configuration.slot)))
        ?.active || undefined;
    await poll(held, { what: 'the relay has the promoted server’s slot', timeoutMs: arrivesTimeoutMs });
  }

  /** The change events of the rows, as a reader of committed records gets them. */
  async published(): Promise<Published[]> {
    const records = await this.relay.records(this.relay.topicOf('carts'));
    return records.map(({ key, headers, partition }) => {
      const { timeline, commitLsn } = parseIdentity(headers.get('diptych-tx') ?? '');
      return { id: Number(JSON.parse(String(key)).id), timeline, commitLsn, partition };
    });
  }

  async close(): Promise<void> {
    await this.relay.close();
    await this.stack.stop();
  }
}

/** Where the newer timeline begins, by the promoted server's own word. */
export function switchPoint(history: readonly { timeline: number; switchLsn: Lsn }[]): Lsn {
  const [first] = history;
  if (!first) throw new Error('the server is on its first timeline');
  return first.switchLsn;
}

/** Connects for one piece of work. */
export async function withCatalogue<T>(url: string, work: (sql: Catalogue) => Promise<T>): Promise<T> {
  const sql = await openCatalogue(url);
  try {
    return await work(sql);
  } finally {
    await sql.close();
  }
}

/** Inserts one row with its event, in one transaction; answers its xid and a position behind its commit. */
export async function insertCart(
  sql: Catalogue,
  { id, note = null }: { id: number; note?: string | null },
): Promise<{ xid: number; after: Lsn }> {
  const [row] = await sql.query<{ xid: string }>(
    `with cart as (insert into carts (id, note) values ($1, $2)),
       event as (insert into outbox (aggregatetype, aggregateid, type, payload) values ('cart', $3, 'CartOpened', '{}'))
     select (pg_current_xact_id()::text::bigint % 4294967296)::text as xid`,
    [id, note, String(id)],
  );
  const [position] = await sql.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
  return { xid: Number(row?.xid), after: parseLsn(position?.lsn ?? '') };
}

function bothHosts(first: string, second: string): string {
  const [one, two] = [new URL(first), new URL(second)];
  return `postgres://${one.username}:${one.password}@${one.host},${two.host}${one.pathname}`;
}
