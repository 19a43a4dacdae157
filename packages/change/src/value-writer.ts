import type { JsonWriter } from './json-writer.ts';

/** Writes the JSON value for the text in `bytes` from `start` to `end`. Throws Unrepresentable. */
export type ValueWriter = (out: JsonWriter, bytes: Buffer, start: number, end: number) => void;

/** The text as it is, as a JSON string. */
export const writeText: ValueWriter = (out, bytes, start, end) => out.string(bytes, start, end);
