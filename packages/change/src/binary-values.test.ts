import { expect, test } from 'vitest';
import { byteaWriter, writeBytes } from './binary-values.ts';
import { JsonWriter } from './json-writer.ts';

const plain = (bytes: Buffer) => bytes.toString('base64');
const forms = {
  bytes: plain,
  base64: plain,
  'base64-url-safe': (bytes: Buffer) => plain(bytes).replaceAll('+', '-').replaceAll('/', '_'),
  hex: (bytes: Buffer) => bytes.toString('hex'),
} as const;

/** A long value is written in pieces of 48 KiB. */
const lengths = [0, 1, 2, 3, 49_151, 49_152, 49_153, 49_154, 98_304, 200_000];

test.each(lengths)('%i bytes are written as they would be at once, in each form', (length) => {
  const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 7919 + (index >> 8)) & 0xff));
  const text = Buffer.from(`|\\x${bytes.toString('hex')}|`);
  const out = new JsonWriter();
  for (const mode of ['bytes', 'base64', 'base64-url-safe', 'hex'] as const) {
    byteaWriter(mode)(out, text, 1, text.length - 1);
    expect(JSON.parse(String(out.take()))).toBe(forms[mode](bytes));
    writeBytes(out, bytes, mode);
    expect(JSON.parse(String(out.take()))).toBe(forms[mode](bytes));
  }
});
