import { expect, test } from 'vitest';
import { Parser } from './long-messages.ts';

const copyData = 0x64;
const readBytes = 64 * 1024;

function message(content: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head[0] = copyData;
  head.writeUInt32BE(4 + content.length, 1);
  return Buffer.concat([head, content]);
}

const contents = [3, 5_000_000, 10, 1_500_000, 20_000_000, 7, 70_000].map((length, index) =>
  Buffer.alloc(length, `${index} banana `),
);

test.each([readBytes, 1460, 5_000_001])(
  'messages of any length come as they were sent, in reads of up to %i bytes, and a long one without doubling',
  (bytes) => {
    const stream = Buffer.concat(contents.map(message));
    const parser = new Parser();
    const came: Buffer[] = [];
    const rooms = new Set<number>();
    for (let from = 0; from < stream.length; from += bytes) {
      parser.parse(Buffer.from(stream.subarray(from, from + bytes)), (read) => {
        came.push(Buffer.from((read as { readonly chunk: Buffer }).chunk));
      });
      rooms.add(parser.buffer.length);
    }
    expect(came.map((content) => content.length)).toEqual(contents.map((content) => content.length));
    expect(came.every((content, index) => content.equals(contents[index] ?? Buffer.alloc(0)))).toBe(true);
    expect(Math.max(...rooms)).toBe(20_000_005 + readBytes);
  },
);
