import type { Catalogue } from './catalogue.ts';

/** Of the logical message, docs/wire.md "Names and defaults". */
export const heartbeatPrefix = 'diptych.heartbeat';

/**
 * Writes a sign of life of the slot's relay into the WAL, as a transaction of its own. Needs no table and changes none.
 * Its commit waits for no standby: a server that holds commits back must not hold back the connection that asks it.
 * https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-REPLICATION
 * Throws OperatingError.
 */
export async function emitHeartbeat(catalogue: Catalogue, slot: string): Promise<void> {
  await catalogue.query(
    `select set_config('synchronous_commit', 'off', true), pg_logical_emit_message(true, $1, $2::text)`,
    [heartbeatPrefix, slot],
  );
}
