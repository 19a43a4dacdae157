/**
 * What `pg` does not do for long rows. A text that no string of V8 can hold ends the process by itself: it comes as bytes.
 *
 * How `pg` gathers a message that is longer than one read of the socket. By itself it doubles its buffer again and again,
 * which leaves more garbage than the message is long, and the server sends a row as one message. The message says how long
 * it is: room for it is made at once. (pg-protocol 1.16.1, dist/parser.js)
 */
import { constants } from 'node:buffer';
import { createRequire } from 'node:module';

interface Parser {
  buffer: Buffer;
  bufferOffset: number;
  readonly bufferLength: number;
  readonly reader: { setBuffer(offset: number, buffer: Buffer): void };
  parse: (this: Parser, chunk: Buffer, onMessage: (message: unknown) => void) => unknown;
}

/** Below this, doubling is no waste that anyone sees. */
const longBytes = 1024 * 1024;

/** One byte says what a message is, four how long it is, themselves included. */
const headBytes = 5;

/** For what comes in one read with the end of the message: Node reads at most 64 KiB at a time. */
const spareBytes = 64 * 1024;

const nothing = Buffer.alloc(0);

/** Of all connections of this process, once this file is imported. Parsing answers how much of a message is there without its rest. */
function gatherInOnePlace(prototype: Parser): void {
  const { parse } = prototype;
  prototype.parse = function parseGathered(this: Parser, chunk, onMessage): number {
    makeRoom(this);
    parse.call(this, chunk, onMessage);
    // All is read: the reader would keep the last message until the next one, however long it was.
    if (this.bufferLength === 0) this.reader.setBuffer(0, nothing);
    return this.bufferLength;
  };
}

function makeRoom(parser: Parser): void {
  const { buffer, bufferOffset: from, bufferLength: length } = parser;
  if (length < headBytes) return;
  const messageBytes = 1 + buffer.readUInt32BE(from + 1);
  if (messageBytes <= longBytes || from + messageBytes <= buffer.length) return;
  parser.buffer = Buffer.allocUnsafeSlow(messageBytes + spareBytes);
  parser.bufferOffset = 0;
  buffer.copy(parser.buffer, 0, from, from + length);
}

interface Reader {
  offset: number;
  readonly buffer: Buffer;
  string: (this: Reader, length: number) => string | Buffer;
}

/** A copy: the parser writes what comes next into the same buffer. */
function readLongAsBytes(prototype: Reader): void {
  const { string } = prototype;
  prototype.string = function readTextOrBytes(this: Reader, length): string | Buffer {
    if (length <= constants.MAX_STRING_LENGTH) return string.call(this, length);
    const from = this.offset;
    this.offset += length;
    return Buffer.from(this.buffer.subarray(from, this.offset));
  };
}

interface ProtocolParser {
  readonly Parser: { new (): Parser; readonly prototype: Parser };
}

const load: (path: string) => unknown = createRequire(import.meta.url);
/** Of `pg`; for the test. */
export const { Parser } = load('pg-protocol/dist/parser') as ProtocolParser;
gatherInOnePlace(Parser.prototype);
const { BufferReader } = load('pg-protocol/dist/buffer-reader') as { BufferReader: { prototype: Reader } };
readLongAsBytes(BufferReader.prototype);
