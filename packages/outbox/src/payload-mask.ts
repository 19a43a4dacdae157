/**
 * Fields of payloads that are published masked, hashed, or not at all: rules `aggregate type:event type:path`, the types with `*`
 * for any characters, or the path alone (docs/outbox.md, "Masked fields").
 */
import { createHash } from 'node:crypto';
import { OperatingError } from '@diptych/runtime/failure';
import { patternExpression } from '@diptych/runtime/pattern';
import { editJson, type JsonEdit } from './json-edit.ts';
import { type JsonPath, parseJsonPath } from './json-path.ts';

export interface PayloadSettings {
  /** Rules whose fields are replaced by asterisks. */
  readonly mask: readonly string[];
  /** Rules whose fields are replaced by the SHA-256 of salt and value, in hexadecimal. */
  readonly hash: readonly string[];
  readonly hashSalt: string;
  /** Rules whose fields are left out. */
  readonly drop: readonly string[];
}

/** What decides which rules hold for an event; null where its row does not tell, which every rule fits. */
export interface EventKind {
  readonly aggregateType: string | null;
  readonly type: string | null;
}

export interface PayloadRule {
  readonly aggregateType: string;
  readonly type: string;
  readonly path: JsonPath;
}

interface Rule extends JsonEdit {
  readonly fits: (kind: EventKind) => boolean;
}

/** Nothing of the value shows, its length neither. As long as a column's mask. */
const asterisks = Buffer.from(`"${'*'.repeat(10)}"`);

/** How many kinds of events have their rules remembered: kinds that are made up from data must not fill the memory. */
const kindsMax = 10_000;

/** Reads one rule. Throws SyntaxError. */
export function parsePayloadRule(text: string): PayloadRule {
  const [, aggregateType = '*', type = '*', path = ''] =
    /^(?:([^:$]+):)?(?:([^:$]+):)?(\$.*)$/s.exec(text) ?? [];
  if (path === '') {
    throw new SyntaxError(
      `${JSON.stringify(text)} is not path, aggregate type:path or aggregate type:event type:path`,
    );
  }
  return { aggregateType, type, path: parseJsonPath(path) };
}

export class PayloadMask {
  readonly #rules: readonly Rule[];
  readonly #byKind = new Map<string, readonly Rule[]>();

  /** Throws SyntaxError for a rule that is none. */
  constructor({ mask, hash, hashSalt, drop }: PayloadSettings) {
    // Of several rules for one field the one that leaves least of it.
    this.#rules = [
      ...drop.map((text) => ruleOf(text, () => null)),
      ...mask.map((text) => ruleOf(text, (value) => (isNull(value) ? value : asterisks))),
      ...hash.map((text) => ruleOf(text, (value) => (isNull(value) ? value : hashed(value, hashSalt)))),
    ];
  }

  /** Whether there is any rule at all. */
  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /**
   * The payload as it is published: the same buffer where no rule holds or no field is there. Throws OperatingError
   * `payload-not-maskable` for one that is no JSON: which part of it is a field, nobody can tell.
   */
  apply(kind: EventKind, payload: Buffer): Buffer {
    const rules = this.#of(kind);
    if (rules.length === 0) return payload;
    try {
      return editJson(payload, rules);
    } catch (error) {
      throw notMaskable(kind, error);
    }
  }

  #of(kind: EventKind): readonly Rule[] {
    const key = JSON.stringify([kind.aggregateType, kind.type]);
    const known = this.#byKind.get(key);
    if (known) return known;
    const rules = this.#rules.filter(({ fits }) => fits(kind));
    if (this.#byKind.size >= kindsMax) this.#byKind.clear();
    this.#byKind.set(key, rules);
    return rules;
  }
}

function ruleOf(text: string, replace: JsonEdit['replace']): Rule {
  const { aggregateType, type, path } = parsePayloadRule(text);
  const [aggregates, types] = [patternExpression(aggregateType), patternExpression(type)];
  const fits = (kind: EventKind) =>
    (kind.aggregateType === null || aggregates.test(kind.aggregateType)) &&
    (kind.type === null || types.test(kind.type));
  return { path, replace, fits };
}

const isNull = (value: Buffer): boolean => value.toString() === 'null';

/** A string is hashed as the text that it stands for: the same as a column of that text (`change.columns.hash`). */
function hashed(value: Buffer, salt: string): Buffer {
  const text = value[0] === 0x22 ? String(JSON.parse(value.toString())) : value;
  return Buffer.from(`"${createHash('sha256').update(salt).update(text).digest('hex')}"`);
}

/** The parser's own words quote the payload, and are not handed on. */
function notMaskable({ aggregateType, type }: EventKind, error: unknown): OperatingError {
  const why = error instanceof SyntaxError ? 'it is no JSON' : 'it is too long, or nested too deep';
  return new OperatingError(
    'payload-not-maskable',
    `a payload of ${aggregateType ?? 'an unknown aggregate'}, ${type ?? 'unknown type'}, cannot be masked: ${why}`,
    {
      remedy:
        'Discard the event and write another; or take its type out of outbox.payload, if its payload may be seen whole.',
    },
  );
}
