import type { Catalogue } from './catalogue.ts';

/** Of the logical message that closes a chunk's window, docs/wire.md "Names and defaults". */
export const watermarkPrefix = 'diptych.watermark';

/**
 * Writes a mark into the WAL, as a transaction of its own: all that committed before it comes before it in the stream. Its
 * commit waits for the disk, and for no standby. Needs no table and changes none.
 * https://www.postgresql.org/docs/18/functions-admin.html#FUNCTIONS-REPLICATION
 * Throws OperatingError.
 */
export async function emitWatermark(catalogue: Catalogue, mark: string): Promise<void> {
  await catalogue.query(
    `select set_config('synchronous_commit', 'local', true), pg_logical_emit_message(true, $1, $2::text)`,
    [watermarkPrefix, mark],
  );
}
