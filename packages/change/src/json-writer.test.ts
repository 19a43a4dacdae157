import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonWriter } from './json-writer.ts';

test('any text, read back as JSON, is the same text', () => {
  const out = new JsonWriter({ bytes: 64 });
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      out.string(Buffer.from(text));
      expect(JSON.parse(out.take().toString())).toBe(text);
    }),
    { numRuns: 2000 },
  );
});

test('every byte of ASCII is escaped as RFC 8259 asks, and no more', () => {
  const out = new JsonWriter();
  for (let code = 0; code < 128; code += 1) {
    const text = String.fromCharCode(code);
    out.string(Buffer.from(text));
    expect(out.take().toString()).toBe(JSON.stringify(text));
  }
});

describe('what was taken stays as it was', () => {
  test('while later outputs fill slab after slab', () => {
    const out = new JsonWriter({ bytes: 100 });
    fc.assert(
      fc.property(fc.array(fc.array(fc.string({ maxLength: 80 }))), (outputs) => {
        const taken = outputs.map((texts) => {
          texts.forEach((text) => {
            out.string(Buffer.from(text));
          });
          return out.take();
        });
        expect(taken.map(String)).toEqual(
          outputs.map((texts) => texts.map((text) => JSON.stringify(text)).join('')),
        );
      }),
    );
  });

  test('also a text far longer than a slab, of nothing but escapes', () => {
    const text = '\u0001"ü'.repeat(500_000);
    const out = new JsonWriter();
    out.ascii('[');
    out.expect(10);
    out.string(Buffer.from(text));
    out.raw(Buffer.from(',null]'));
    expect(JSON.parse(out.take().toString())).toEqual([text, null]);
    expect(out.take().length).toBe(0);
  });
});

describe('a long text takes the room that it needs, and no more', () => {
  const length = 3 * 1024 * 1024;

  test.each([
    ['of letters', 'x', length],
    ['of quotes', '"', 2 * length],
    ['of control characters', '\u0001', 6 * length],
  ])('%s', (_what, character, bytes) => {
    const out = new JsonWriter();
    out.expect(length + 2048);
    out.ascii('{"before":null,"after":');
    out.string(Buffer.from(character.repeat(length)));
    out.ascii(`,"source":"${'s'.repeat(1000)}"}`);
    const { buffer } = out.take();
    expect(buffer.byteLength).toBeGreaterThanOrEqual(bytes);
    expect(buffer.byteLength).toBeLessThan(1.1 * bytes);
  });
});

test('a whole number is written as its digits', () => {
  const out = new JsonWriter({ bytes: 8 });
  const whole = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(),
    fc.constantFrom(0, 9, 10, 1e9, 1e9 + 1, 2 ** 31, 2 ** 32 * 1e5),
  );
  fc.assert(
    fc.property(whole, (value) => {
      out.digits(value);
      expect(String(out.take())).toBe(String(value));
    }),
  );
});

test('prepared text is written as its UTF-8, short ASCII as it is', () => {
  const out = new JsonWriter({ bytes: 8 });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ maxLength: 100 }), (text, ascii) => {
      out.text(text);
      out.ascii(ascii);
      expect(String(out.take())).toBe(String(Buffer.from(text + ascii)));
    }),
  );
});
