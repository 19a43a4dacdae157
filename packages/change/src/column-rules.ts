/** What becomes of single columns: left out, masked, hashed, truncated, made a key; by patterns `schema.table.column`. */
import { createHash } from 'node:crypto';
import type { Relation } from '@diptych/pgoutput/relation';
import { patternExpression } from '@diptych/runtime/pattern';
import { type ValueWriter, writeText } from './value-writer.ts';

export interface ColumnSettings {
  /** When there are any, all other columns are left out of `before` and `after`. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** `schema.table.column` or `schema.table.column:length`: replaced by so many asterisks. */
  readonly mask: readonly string[];
  /** Replaced by the SHA-256 of salt and text, in hexadecimal. */
  readonly hash: readonly string[];
  readonly salt: string;
  /** `schema.table.column:length`, in characters. */
  readonly truncate: readonly string[];
  /** These columns are the key of their tables, in the table's order. */
  readonly key: readonly string[];
}

export const noColumnSettings: ColumnSettings = {
  include: [],
  exclude: [],
  mask: [],
  hash: [],
  salt: '',
  truncate: [],
  key: [],
};

/** How long a mask is that does not say so: nothing of the value shows, its length neither. */
const maskLength = 10;

type Replacement =
  | { readonly tag: 'mask'; readonly text: Buffer }
  | { readonly tag: 'hash' }
  | { readonly tag: 'truncate'; readonly characters: number };

interface Rule<T> {
  readonly matches: (name: string) => boolean;
  readonly value: T;
}

export class ColumnRules {
  readonly #settings: ColumnSettings;
  readonly #include: readonly Rule<true>[];
  readonly #exclude: readonly Rule<true>[];
  readonly #replaced: readonly Rule<Replacement>[];
  readonly #key: readonly Rule<true>[];

  constructor(settings: ColumnSettings = noColumnSettings) {
    const { include, exclude, mask, hash, truncate, key } = settings;
    this.#settings = settings;
    this.#include = rules(include, () => true);
    this.#exclude = rules(exclude, () => true);
    this.#key = rules(key, () => true);
    this.#replaced = [
      ...rules(mask, (length): Replacement => ({ tag: 'mask', text: asterisks(length ?? maskLength) })),
      ...rules(hash, (): Replacement => ({ tag: 'hash' })),
      ...rules(truncate, (length): Replacement => ({ tag: 'truncate', characters: length ?? 0 })),
    ];
  }

  /** Whether the column is in `before` and `after`. Keys have their columns in any case. */
  includes(column: string): boolean {
    const isIncluded = this.#include.length === 0 || this.#include.some(({ matches }) => matches(column));
    return isIncluded && !this.#exclude.some(({ matches }) => matches(column));
  }

  /** The key's columns by choice; null when none is chosen for the table. */
  keyOf({
    schema,
    table,
    columns,
  }: Pick<Relation, 'schema' | 'table' | 'columns'>): readonly string[] | null {
    if (this.#key.length === 0) return null;
    const chosen = columns.filter(({ name }) =>
      this.#key.some(({ matches }) => matches(`${schema}.${table}.${name}`)),
    );
    return chosen.length > 0 ? chosen.map(({ name }) => name) : null;
  }

  /**
   * The writer that takes the place of the column's own; null when the column is published as it is. `charactersMax`: how
   * long a text of the column's type may be.
   */
  replacement(column: string, charactersMax: number): ValueWriter | null {
    const rule = this.#replaced.find(({ matches }) => matches(column));
    return rule ? writerOf(rule.value, { salt: this.#settings.salt, charactersMax }) : null;
  }
}

function writerOf(
  replacement: Replacement,
  { salt, charactersMax }: { salt: string; charactersMax: number },
): ValueWriter {
  switch (replacement.tag) {
    case 'mask':
      return (out) => out.raw(replacement.text);
    case 'hash':
      return (out, bytes, start, end) => {
        const hash = createHash('sha256').update(salt).update(bytes.subarray(start, end));
        // As Debezium's, which is to be joined with what was published before, and to fit where the column does.
        out.ascii(`"${hash.digest('hex').slice(0, charactersMax)}"`);
      };
    case 'truncate':
      return (out, bytes, start, end) =>
        writeText(out, bytes, start, start + prefixBytes(bytes, { start, end, ...replacement }));
  }
}

/** How many bytes the first characters take in UTF-8: continuation bytes are 10xxxxxx. */
function prefixBytes(
  bytes: Buffer,
  { start, end, characters }: { start: number; end: number; characters: number },
): number {
  let left = characters;
  for (let at = start; at < end; at += 1) {
    if (((bytes[at] as number) & 0xc0) === 0x80) continue;
    if (left === 0) return at - start;
    left -= 1;
  }
  return end - start;
}

function rules<T>(patterns: readonly string[], value: (length: number | null) => T): Rule<T>[] {
  return patterns.map((pattern) => {
    const { name, length } = parseRule(pattern);
    const expression = patternExpression(name);
    return { matches: (column) => expression.test(column), value: value(length) };
  });
}

/** A pattern and the length behind its last colon. */
export function parseRule(pattern: string): { readonly name: string; readonly length: number | null } {
  const match = /^(.*):(\d+)$/s.exec(pattern);
  return match ? { name: match[1] ?? '', length: Number(match[2]) } : { name: pattern, length: null };
}

const asterisks = (length: number): Buffer => Buffer.from(`"${'*'.repeat(length)}"`);
