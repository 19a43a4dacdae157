/**
 * As much of Kafka's protocol as a fault proxy must know: where a request or an answer begins, which request an answer
 * belongs to, and the broker's own address in an answer, without which clients would go around the proxy.
 * https://kafka.apache.org/43/design/protocol/
 */

/** Produce: records. https://kafka.apache.org/protocol#protocol_api_keys */
export const produce = 0;

/** EndTxn: the commit of a Kafka transaction. https://kafka.apache.org/protocol#protocol_api_keys */
export const endTransaction = 26;

const sizeBytes = 4;

/** Cuts a stream into frames: size and what follows. Frames that came in one piece are handed on without a copy. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete now. */
  push(chunk: Buffer): Buffer[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (bytes.length >= sizeBytes && bytes.length >= sizeBytes + bytes.readInt32BE(0)) {
      const end = sizeBytes + bytes.readInt32BE(0);
      frames.push(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return frames;
  }
}

/** What a request asks, by the header that all versions share. */
export function requestOf(frame: Buffer): { apiKey: number; correlationId: number } {
  return { apiKey: frame.readInt16BE(4), correlationId: frame.readInt32BE(8) };
}

export const correlationOf = (answer: Buffer): number => answer.readInt32BE(4);

/**
 * Puts another port behind every mention of `host` that is followed by `from`: in Metadata and FindCoordinator answers
 * the port stands right behind the host, so nothing moves. Changes the frame itself.
 */
export function redirect(
  frame: Buffer,
  { host, from, to }: { host: string; from: number; to: number },
): Buffer {
  const sought = Buffer.alloc(host.length + 4);
  sought.write(host, 'latin1');
  sought.writeInt32BE(from, host.length);
  for (let at = frame.indexOf(sought); at >= 0; at = frame.indexOf(sought, at + sought.length)) {
    frame.writeInt32BE(to, at + host.length);
  }
  return frame;
}
