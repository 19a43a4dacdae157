/** The value of a domain event's record: the payload as stored, unless its outbox is set otherwise. */
import type { Row } from '@diptych/pgoutput/row';
import type { RouterOptions } from './router-options.ts';

// TypeScript's library does not know the proposal that Node 24 implements.
const json = JSON as unknown as {
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};

/** The members of an envelope besides `payload`, each as JSON. */
export type EnvelopeMembers = readonly (readonly [alias: string, json: string])[];

/** A row's bytes last only until the next message. */
export function copy(row: Row, column: number): Buffer {
  const [start, end] = [row.start(column), row.end(column)];
  const copied = Buffer.allocUnsafe(end - start);
  row.bytes.copy(copied, 0, start, end);
  return copied;
}

/** `members` is null where nothing is placed in an envelope. */
export function recordValue(
  { row, column }: { row: Row; column: number },
  { options, members }: { options: RouterOptions; members: EnvelopeMembers | null },
): Buffer | null {
  const isNull = row.kind(column) !== 'value';
  if (options.tombstoneOnEmpty && (isNull || isBlank(row, column))) return null;
  const { expandJson } = options;
  if (!members && !expandJson) return isNull ? null : copy(row, column);
  const text = row.text(column) ?? null;
  const expanded = text !== null && expandJson ? expand(text, expandJson.nulls) : null;
  if (!members) return text === null ? null : Buffer.from(expanded ?? text);
  const payload = expanded ?? JSON.stringify(text);
  const rest = members.map(([alias, member]) => `,${JSON.stringify(alias)}:${member}`);
  return Buffer.from(`{"payload":${payload}${rest.join('')}}`);
}

function isBlank(row: Row, column: number): boolean {
  for (let at = row.start(column); at < row.end(column); at += 1) {
    if ((row.bytes[at] as number) > 0x20) return false;
  }
  return true;
}

/** JSON without blanks, every number with its own digits; null for what is no object or array: that stays a text. */
function expand(text: string, nulls: 'ignore' | 'keep'): string | null {
  if (!/^\s*[{[]/.test(text)) return null;
  try {
    const value = json.parse(text, function (_key, member, { source }) {
      if (member === null && nulls === 'ignore' && !Array.isArray(this)) return undefined;
      return typeof member === 'number' && source !== undefined ? json.rawJSON(source) : member;
    });
    return JSON.stringify(value);
  } catch {
    return null;
  }
}
