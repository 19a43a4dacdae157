import { type Lsn, parseLsn } from '@diptych/wal/lsn';
import type { Client } from 'pg';

/** Text forms as the replication session sets them. */
const sessionSettings = [
  'set datestyle = iso',
  'set intervalstyle = iso_8601',
  'set timezone = utc',
  'set extra_float_digits = 1',
  'set bytea_output = hex',
  'set lc_monetary = "C"',
];

/** Makes a slot and a publication of all tables, both named `name`; the session's text forms are the relay's from then on. */
export async function openSlotForTests(client: Client, name: string): Promise<void> {
  for (const setting of sessionSettings) await client.query(setting);
  await client.query(`create publication ${name} for all tables`);
  await client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [name]);
}

/** Takes what the slot has: pgoutput's messages as the walsender would send them, each with its WAL position. */
export async function readSlotForTests(
  client: Client,
  name: string,
): Promise<readonly { readonly lsn: Lsn; readonly bytes: Buffer }[]> {
  const { rows } = await client.query<{ lsn: string; data: Buffer }>(
    `select lsn, data from pg_logical_slot_get_binary_changes($1, null, null,
       'proto_version', '1', 'publication_names', $2, 'messages', 'true')`,
    [name, name],
  );
  return rows.map(({ lsn, data }) => ({ lsn: parseLsn(lsn), bytes: data }));
}
