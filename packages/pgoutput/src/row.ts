/**
 * One row image over the buffer it arrived in: where each column's text stands, nothing copied, nothing parsed.
 * The bytes are valid only until the next message is read: who keeps a value copies it.
 */
export class Row {
  readonly bytes: Buffer;
  /** Two numbers a column: start and end of its text in `bytes`; start -1 is null, -2 a TOASTed value not sent. */
  readonly #bounds: readonly number[];

  constructor(bytes: Buffer, bounds: readonly number[]) {
    this.bytes = bytes;
    this.#bounds = bounds;
  }

  get columns(): number {
    return this.#bounds.length / 2;
  }

  kind(column: number): 'value' | 'null' | 'unchanged' {
    const start = this.start(column);
    return start === -1 ? 'null' : start === -2 ? 'unchanged' : 'value';
  }

  start(column: number): number {
    return this.#bounds[2 * column] as number;
  }

  end(column: number): number {
    return this.#bounds[2 * column + 1] as number;
  }

  /** The column's text, null for SQL null, undefined for an unchanged TOASTed value. */
  text(column: number): string | null | undefined {
    const start = this.start(column);
    if (start < 0) return start === -1 ? null : undefined;
    return this.bytes.toString('utf8', start, this.end(column));
  }
}
