import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MessageFrames, messageTags } from './message-frames.ts';

interface Sent {
  readonly tag: string;
  readonly content: Buffer;
}

function framed({ tag, content }: Sent): Buffer {
  const head = Buffer.alloc(5);
  head.write(tag, 'latin1');
  head.writeUInt32BE(4 + content.length, 1);
  return Buffer.concat([head, content]);
}

/** What comes of a stream that is read in pieces, each gone when it was read. */
function read(stream: Buffer, cuts: readonly number[]): Sent[] {
  const came: Sent[] = [];
  const frames = new MessageFrames({
    tag: messageTags.copyData,
    take: (bytes, start, end) => {
      // One that is left is anyone's.
      if (start < end && bytes[start] === 0) return false;
      came.push({ tag: 'd', content: Buffer.from(bytes.subarray(start, end)) });
      return true;
    },
    onOther: (message) =>
      came.push({ tag: message.toString('latin1', 0, 1), content: Buffer.from(message.subarray(5)) }),
  });
  let from = 0;
  for (const to of [...cuts, stream.length].sort((a, b) => a - b)) {
    const chunk = Buffer.from(stream.subarray(from, to));
    frames.read(chunk);
    chunk.fill(0xff);
    from = to;
  }
  return came;
}

const sent = fc.record({
  tag: fc.constantFrom('d', 'd', 'd', 'E', 'C', 'Z', 'W'),
  content: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
});

test('messages come as they were sent, wherever the reads of the socket end', () => {
  fc.assert(
    fc.property(
      fc.array(sent, { minLength: 1, maxLength: 20 }).chain((messages) => {
        const stream = Buffer.concat(messages.map(framed));
        const cuts = fc.array(fc.nat(stream.length), { maxLength: 30 });
        return fc.record({ messages: fc.constant(messages), stream: fc.constant(stream), cuts });
      }),
      ({ messages, stream, cuts }) => {
        expect(read(stream, cuts)).toEqual(messages);
      },
    ),
  );
});

test.each([1460, 64 * 1024, 5_000_001])('long ones come whole, in reads of up to %i bytes', (bytes) => {
  const messages = [3, 5_000_000, 10, 1_500_000, 20_000_000, 7, 70_000, 65_531, 65_532].map(
    (length, index) => ({ tag: 'd', content: Buffer.alloc(length, `${index} banana `) }),
  );
  const stream = Buffer.concat(messages.map(framed));
  const cuts = Array.from(
    { length: Math.ceil(stream.length / bytes) - 1 },
    (_, index) => (index + 1) * bytes,
  );
  const came = read(stream, cuts);
  expect(came.map(({ content }) => content.length)).toEqual(messages.map(({ content }) => content.length));
  expect(
    came.every(({ content }, index) => content.equals(messages[index]?.content ?? Buffer.alloc(0))),
  ).toBe(true);
});

test.each([0, 3])('what says that it has %i bytes is no message', (stated) => {
  const stream = framed({ tag: 'd', content: Buffer.from('one') });
  const broken = Buffer.from([0x64, 0, 0, 0, stated]);
  const all = Buffer.concat([stream, broken, stream]);
  expect(() => read(all, [])).toThrow(`a message of ${stated} bytes, which is none`);
  expect(() => read(all, [stream.length + 2])).toThrow(`a message of ${stated} bytes, which is none`);
});
