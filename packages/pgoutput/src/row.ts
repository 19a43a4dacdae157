/** How `start` tells SQL null, and a TOASTed value that was not sent because the change left it as it was. */
export const nullStart = -1;
export const unchangedStart = -2;

/**
 * One row image over the buffer it arrived in: where each column's text stands, nothing copied, nothing parsed.
 * The bytes are valid only until the next message is read: who keeps a value copies it.
 */
export class Row {
  /** Among others those of the row. */
  readonly bytes: Buffer;
  /** How long the message is that it came in. */
  readonly size: number;
  /** Two numbers a column: start (or nullStart, unchangedStart) and end of its text in `bytes`. */
  readonly #bounds: readonly number[];

  constructor(bytes: Buffer, bounds: readonly number[], size = bytes.length) {
    this.bytes = bytes;
    this.size = size;
    this.#bounds = bounds;
  }

  get columns(): number {
    return this.#bounds.length / 2;
  }

  kind(column: number): 'value' | 'null' | 'unchanged' {
    const start = this.start(column);
    return start === nullStart ? 'null' : start === unchangedStart ? 'unchanged' : 'value';
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
    if (start < 0) return start === nullStart ? null : undefined;
    return this.bytes.toString('utf8', start, this.end(column));
  }
}
