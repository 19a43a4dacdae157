/**
 * The inverse of the value writers in exact mode: from the JSON of a value back to the text that the type's output
 * function wrote. Written from PostgreSQL's manual, not from the writers.
 */
import { assert } from '@diptych/runtime/assert';

/** JSON with numbers as the digits they were written in. */
export type Json = null | boolean | string | Digits | readonly Json[] | { readonly [name: string]: Json };

export class Digits {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Decode = (json: Json) => string;

/** Parses JSON; no digit of a number is lost. */
export function parseExactly(text: string): Json {
  const revive = (_name: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? new Digits(context?.source ?? '') : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown) as Json;
}

export const asText: Decode = (json) => {
  assert(typeof json === 'string', `a string: ${JSON.stringify(json)}`);
  return json;
};

export const asNumber: Decode = (json) => (json instanceof Digits ? json.text : asText(json));

export const asBoolean: Decode = (json) => {
  assert(typeof json === 'boolean', 'a boolean');
  return json ? 't' : 'f';
};

export const asBit: Decode = (json) => (json === true ? '1' : json === false ? '0' : asText(json));

export const asNumeric: Decode = (json) => {
  const names = new Map([
    ['NAN', 'NaN'],
    ['POSITIVE_INFINITY', 'Infinity'],
    ['NEGATIVE_INFINITY', '-Infinity'],
  ]);
  return names.get(asText(json)) ?? asText(json);
};

export const asBytea: Decode = (json) => `\\x${Buffer.from(asText(json), 'base64').toString('hex')}`;

/** `-0043-03-15` is 44 BC. */
function withEra(year: string, rest: (era: string) => string): string {
  const number = Number(year);
  if (number > 0) return `${String(number).padStart(4, '0')}${rest('')}`;
  return `${String(1 - number).padStart(4, '0')}${rest(' BC')}`;
}

export const asDate: Decode = (json) => {
  const match = /^([+-]?\d+)(-\d\d-\d\d)Z$/.exec(asText(json));
  return match ? withEra(match[1] ?? '', (era) => `${match[2]}${era}`) : asText(json);
};

export const asTime: Decode = (json) => asText(json).replace(/Z$/, '');

/** `zone` is what stands for UTC behind the time. */
export const asTimestamp =
  (zone: string): Decode =>
  (json) => {
    const match = /^([+-]?\d+)(-\d\d-\d\d)T([\d:]+)(\.\d+)?Z$/.exec(asText(json));
    if (!match) return asText(json);
    const fraction = (match[4] ?? '').replace(/\.?0+$/, '');
    return withEra(match[1] ?? '', (era) => `${match[2]} ${match[3]}${fraction}${zone}${era}`);
  };

/** ISO 8601 with parts that are zero left out. */
export const asInterval: Decode = (json) => {
  const match = /^P(.+Y)(.+M)(.+D)T(.+H)(.+M)(.+S)$/.exec(asText(json));
  if (!match) return asText(json);
  const parts = match.slice(1).map((part) => (/^0[A-Z]$/.test(part) ? '' : part));
  const clock = parts.slice(3).join('');
  const text = `P${parts.slice(0, 3).join('')}${clock ? `T${clock}` : ''}`;
  return text === 'P' ? 'PT0S' : text;
};

export const asPoint: Decode = (json) => {
  const { x, y, wkb } = fields(json);
  const [one, other] = doubles(Buffer.from(asText(wkb ?? null), 'base64').subarray(5));
  assert(Number(asNumber(x ?? null)) === one && Number(asNumber(y ?? null)) === other, 'both forms agree');
  return `(${asNumber(x ?? null)},${asNumber(y ?? null)})`;
};

export const asCircle: Decode = (json) => {
  const { center, radius } = fields(json);
  return `<${asPoint(center ?? null)},${asNumber(radius ?? null)}>`;
};

export const asLine: Decode = (json) => {
  const { a, b, c } = fields(json);
  return `{${[a, b, c].map((one) => asNumber(one ?? null)).join()}}`;
};

/** box, lseg, path and polygon, told apart by their extensions. */
export const asShape: Decode = (json) => {
  const { wkb, extensions } = fields(json);
  const bytes = Buffer.from(asText(wkb ?? null), 'base64');
  const isPolygon = bytes[1] === 3;
  const numbers = doubles(bytes.subarray(isPolygon ? 13 : 9));
  const points = numbers.flatMap((x, index) => (index % 2 === 0 ? [`(${x},${numbers[index + 1]})`] : []));
  const { type, closed } = fields(extensions ?? null);
  if (type === 'box') return `${points[0]},${points[2]}`;
  if (type === 'lseg') return `[${points.join()}]`;
  if (type === 'polygon') return `(${points.slice(0, -1).join()})`;
  return closed === 'true' ? `(${points.join()})` : `[${points.join()}]`;
};

export const asHstore: Decode = (json) => {
  const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return Object.entries(fields(json))
    .map(([key, value]) => `${quoted(key)}=>${value === null ? 'NULL' : quoted(asText(value))}`)
    .join(', ');
};

/** https://www.postgresql.org/docs/18/arrays.html#ARRAYS-IO; one with bounds is its text. */
export const asArray =
  (element: Decode, delimiter = ','): Decode =>
  (json) => {
    if (typeof json === 'string') return json;
    assert(Array.isArray(json), 'a list');
    const written = json.map((one: Json) => {
      if (one === null) return 'NULL';
      if (Array.isArray(one)) return asArray(element, delimiter)(one);
      const text = element(one);
      const isPlain =
        text !== '' && !/^null$/i.test(text) && !/[\s{}"\\]/.test(text) && !text.includes(delimiter);
      return isPlain ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
    });
    return `{${written.join(delimiter)}}`;
  };

/** https://www.postgresql.org/docs/18/rowtypes.html#ROWTYPES-IO-SYNTAX */
export const asComposite =
  (decoders: Readonly<Record<string, Decode>>): Decode =>
  (json) => {
    const written = Object.entries(fields(json)).map(([name, value]) => {
      if (value === null) return '';
      const text = decoders[name]?.(value) ?? '';
      return text !== '' && !/[\s(),"\\]/.test(text) ? text : `"${text.replaceAll(/["\\]/g, '$&$&')}"`;
    });
    return `(${written.join()})`;
  };

function fields(json: Json): { readonly [name: string]: Json } {
  assert(
    typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof Digits),
    'an object',
  );
  return json as { readonly [name: string]: Json };
}

function doubles(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleLE(8 * index));
}
