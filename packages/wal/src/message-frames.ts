/**
 * Cuts what a connection reads into the server's messages. Nearly all of them are of one kind, CopyData of a replication connection,
 * several to each row that was written, or rows that were asked for: `pg` makes objects and buffers of each, which was a tenth of
 * what a drain cost. Here such a message is a place in what was read. https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
import { OperatingError } from '@diptych/runtime/failure';

/** What a message is, by its first byte. */
export const messageTags = { copyData: 0x64, dataRow: 0x44 } as const;

/** One byte says what a message is, four how long it is, themselves included. */
const tagBytes = 1;
const headBytes = 5;

/** Room for a message that one read begins and the next one ends; a longer one has memory of its own, until it has come. */
const keptBytes = 64 * 1024;

/** What one message holds, from `start` to `end`, and whether it is taken. The bytes are valid only during the call. */
export type TakeMessage = (bytes: Buffer, start: number, end: number) => boolean;

export interface MessageFramesHandlers {
  /** Of the messages to be taken. */
  readonly tag: number;
  readonly take: TakeMessage;
  /** Any other message, its head included. The bytes are valid only during the call. */
  readonly onOther: (message: Buffer) => void;
}

/** Of one connection. */
export class MessageFrames {
  readonly #handlers: MessageFramesHandlers;
  readonly #kept = Buffer.allocUnsafeSlow(keptBytes);
  /** The beginning of a message whose rest was not read yet. */
  #begun = this.#kept;
  #begunBytes = 0;

  constructor(handlers: MessageFramesHandlers) {
    this.#handlers = handlers;
  }

  /** Hands out all messages that end in this read, in their order. Throws OperatingError for what is no message. */
  read(chunk: Buffer): void {
    let at = this.#begunBytes > 0 ? this.#complete(chunk) : 0;
    while (chunk.length - at >= headBytes) {
      const end = at + messageBytes(chunk, at);
      if (end > chunk.length) {
        this.#makeRoom(end - at);
        break;
      }
      this.#handOut(chunk, at, end);
      at = end;
    }
    this.#keep(chunk, at, chunk.length);
  }

  /** Adds to the message that was begun, and hands it out when all of it is there. Answers where the next one begins. */
  #complete(chunk: Buffer): number {
    let at = 0;
    if (this.#begunBytes < headBytes) {
      at = Math.min(headBytes - this.#begunBytes, chunk.length);
      this.#keep(chunk, 0, at);
      if (this.#begunBytes < headBytes) return at;
      this.#makeRoom(messageBytes(this.#begun, 0));
    }
    const whole = messageBytes(this.#begun, 0);
    const end = Math.min(at + whole - this.#begunBytes, chunk.length);
    this.#keep(chunk, at, end);
    if (this.#begunBytes === whole) {
      const begun = this.#begun;
      this.#begun = this.#kept;
      this.#begunBytes = 0;
      this.#handOut(begun, 0, whole);
    }
    return end;
  }

  /** The message says how long it is: what is longer than the room there is, is gathered in one place all the same. */
  #makeRoom(bytes: number): void {
    if (bytes <= this.#begun.length) return;
    const room = Buffer.allocUnsafeSlow(bytes);
    this.#begun.copy(room, 0, 0, this.#begunBytes);
    this.#begun = room;
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    chunk.copy(this.#begun, this.#begunBytes, start, end);
    this.#begunBytes += end - start;
  }

  #handOut(bytes: Buffer, start: number, end: number): void {
    const { tag, take, onOther } = this.#handlers;
    if (bytes[start] !== tag || !take(bytes, start + headBytes, end)) onOther(bytes.subarray(start, end));
  }
}

/** Of the message at `at`, whose head is there. */
function messageBytes(bytes: Buffer, at: number): number {
  const stated = bytes.readUInt32BE(at + tagBytes);
  if (stated < headBytes - tagBytes) throw noMessage(stated);
  return tagBytes + stated;
}

const noMessage = (bytes: number): OperatingError =>
  new OperatingError('postgres-unreachable', `the server sent a message of ${bytes} bytes, which is none`, {
    remedy: 'Check what stands between the relay and the server; the relay connects again by itself.',
  });
