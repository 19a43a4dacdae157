import { poll } from '@diptych/runtime/poll';
import pg from 'pg';

const timeoutMs = 120_000;

/** Waits until the slot has passed everything that is committed now: it is in Kafka then. Throws after two minutes. */
export async function caughtUp({ databaseUrl, slot }: { databaseUrl: string; slot: string }): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'demo' });
  await client.connect();
  try {
    const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
    const lsn = rows[0]?.lsn;
    await poll(
      async () => {
        const slots = await client.query<{ passed: boolean }>(
          'select confirmed_flush_lsn >= $1::pg_lsn as passed from pg_replication_slots where slot_name = $2',
          [lsn, slot],
        );
        return slots.rows[0]?.passed || undefined;
      },
      { what: `the relay has published up to ${lsn}`, timeoutMs },
    );
  } finally {
    await client.end();
  }
}
