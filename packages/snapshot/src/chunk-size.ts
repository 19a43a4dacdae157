/** How many rows the next read asks for: no more than fit, as far as the rows before let one know. */
export interface ChunkLimits {
  readonly rowsMax: number;
  /** Of the rows' texts. */
  readonly bytesMax: number;
}

/** Of a table that nothing is known of. */
const firstRows = 256;

/** A read that was small says little of the next rows: the number grows step by step. */
const growth = 4;

/** `last`: the read before this one; null for the first of a session. */
export function nextChunkRows(
  { rowsMax, bytesMax }: ChunkLimits,
  last: { readonly rows: number; readonly bytes: number } | null,
): number {
  if (last === null || last.rows === 0) return Math.min(firstRows, rowsMax);
  const fitting = Math.floor(bytesMax / Math.max(1, last.bytes / last.rows));
  return Math.max(1, Math.min(rowsMax, fitting, last.rows * growth));
}
