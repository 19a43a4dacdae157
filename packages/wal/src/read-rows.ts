/**
 * Rows of an answer as the server sent them: the contents of its DataRow messages, one behind the other, nothing parsed and no
 * object to a row. https://www.postgresql.org/docs/18/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-DATAROW
 */
import { byteAt, unsigned32At } from '@diptych/runtime/bytes';

/** Int16: how many columns; of each an Int32: how long its text is. */
const countBytes = 2;
const lengthBytes = 4;
const nullLength = 0xffff_ffff;

export class ReadRows {
  readonly bytes: Buffer;
  /** Two numbers a row: where it starts, and ends, in `bytes`. */
  readonly #places: readonly number[];

  constructor(bytes: Buffer, places: readonly number[]) {
    this.bytes = bytes;
    this.#places = places;
  }

  get length(): number {
    return this.#places.length / 2;
  }

  start(index: number): number {
    return this.#places[2 * index] as number;
  }

  end(index: number): number {
    return this.#places[2 * index + 1] as number;
  }

  /** How many bytes the texts of a row have. */
  textBytes(index: number): number {
    return textBytesOf(this.bytes, this.start(index), this.end(index));
  }

  /** Where the texts of a row stand in `bytes`: two numbers a column, start and end, -1 twice for SQL null. */
  bounds(index: number): number[] {
    const { bytes } = this;
    let at = this.start(index);
    const bounds = new Array<number>(2 * columnsOf(bytes, at));
    at += countBytes;
    for (let column = 0; column < bounds.length; column += 2) {
      const length = unsigned32At(bytes, at);
      at += lengthBytes;
      if (length === nullLength) {
        bounds[column] = -1;
        bounds[column + 1] = -1;
      } else {
        bounds[column] = at;
        at += length;
        bounds[column + 1] = at;
      }
    }
    return bounds;
  }

  /** The rows of which it is true, in their order. */
  filter(isTaken: (index: number) => boolean): ReadRows {
    const places: number[] = [];
    for (let index = 0; index < this.length; index += 1)
      if (isTaken(index)) places.push(this.start(index), this.end(index));
    return new ReadRows(this.bytes, places);
  }

  /** The first ones. */
  first(count: number): ReadRows {
    return count >= this.length ? this : new ReadRows(this.bytes, this.#places.slice(0, 2 * count));
  }
}

const columnsOf = (bytes: Buffer, at: number): number => (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1);

const textBytesOf = (bytes: Buffer, start: number, end: number): number =>
  end - start - countBytes - lengthBytes * columnsOf(bytes, start);

/** Takes rows as they come, until their texts have so many bytes: at least one, and none of those behind. */
export class RowGatherer {
  readonly #bytesMax: number;
  readonly #places: number[] = [];
  #room: Buffer;
  #used = 0;
  #textBytes = 0;
  #isWhole = true;

  /** `expectedBytes`: of all of them, as far as one knows. */
  constructor({ bytesMax, expectedBytes }: { bytesMax: number; expectedBytes: number }) {
    this.#bytesMax = bytesMax;
    this.#room = Buffer.allocUnsafeSlow(Math.ceil(expectedBytes));
  }

  /** The content of a DataRow, valid only during the call. */
  add(bytes: Buffer, start: number, end: number): void {
    if (this.#places.length > 0 && this.#textBytes >= this.#bytesMax) {
      this.#isWhole = false;
      return;
    }
    const to = this.#used + end - start;
    if (to > this.#room.length) this.#grow(to);
    bytes.copy(this.#room, this.#used, start, end);
    this.#places.push(this.#used, to);
    this.#used = to;
    this.#textBytes += textBytesOf(bytes, start, end);
  }

  /** All that were taken. */
  get rows(): ReadRows {
    return new ReadRows(this.#room, this.#places);
  }

  /** Of their texts. */
  get textBytes(): number {
    return this.#textBytes;
  }

  /** Of the rows themselves. */
  get bytes(): number {
    return this.#used;
  }

  /** None was left out. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  #grow(bytes: number): void {
    const room = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#room.length));
    this.#room.copy(room, 0, 0, this.#used);
    this.#room = room;
  }
}
