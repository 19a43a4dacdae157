/** What a change of a schema breaks: for readers of the old one, and for events that were written before. */
import type { JsonSchema } from './event-contract.ts';

export interface Difference {
  /** `lines[].sku`; the empty path is the payload itself. */
  readonly path: string;
  readonly what: string;
  /** Readers that know only the version before cannot read what is written now. */
  readonly breaksReaders: boolean;
  /** Events of the version before are not valid now: an upcaster has to mend them. */
  readonly breaksHistory: boolean;
}

/** Says what differs between two versions of a payload, field by field. What only describes is left out. */
export function differences(before: JsonSchema, after: JsonSchema, path = ''): Difference[] {
  const found: Difference[] = [];
  const say = (what: string, breaks: 'readers' | 'history' | 'both' | 'nothing', at = path) => {
    const breaksReaders = breaks === 'readers' || breaks === 'both';
    found.push({ path: at, what, breaksReaders, breaksHistory: breaks === 'history' || breaks === 'both' });
  };
  const [fields, nowFields] = [properties(before), properties(after)];
  const [needed, nowNeeded] = [required(before), required(after)];
  for (const [name, schema] of Object.entries(fields)) {
    const at = path ? `${path}.${name}` : name;
    const now = nowFields[name];
    if (!now) {
      say('removed', needed.has(name) ? 'readers' : 'nothing', at); // whoever reads leaves out what is unknown
      continue;
    }
    if (needed.has(name) && !nowNeeded.has(name)) say('may be missing now', 'readers', at);
    if (!needed.has(name) && nowNeeded.has(name)) say('must be there now', 'history', at);
    found.push(...differences(schema, now, at));
  }
  for (const name of Object.keys(nowFields).filter((one) => !fields[one])) {
    const at = path ? `${path}.${name}` : name;
    if (nowNeeded.has(name)) say('added, and must be there', 'history', at);
    else say('added', 'nothing', at);
  }
  const [items, nowItems] = [before.items, after.items];
  if (isSchema(items) && isSchema(nowItems)) found.push(...differences(items, nowItems, `${path}[]`));
  else if (isSchema(items) !== isSchema(nowItems)) say('has other elements', 'both');
  compareValues({ before, after }, say);
  return found;
}

/** Rules that say what a value must be, besides fields and elements. */
const described = new Set(['$schema', 'title', 'description', 'example', 'examples', 'x-since', 'default']);
const structural = new Set(['properties', 'required', 'items', 'enum', 'additionalProperties']);

function compareValues(
  { before, after }: { before: JsonSchema; after: JsonSchema },
  say: (what: string, breaks: 'readers' | 'history' | 'both') => void,
): void {
  const [values, nowValues] = [listOf(before.enum), listOf(after.enum)];
  const added = nowValues.filter((value) => !values.includes(value));
  const gone = values.filter((value) => !nowValues.includes(value));
  if (values.length > 0 && added.length > 0) say(`may be ${added.join(', ')} now`, 'readers');
  if (nowValues.length > 0 && gone.length > 0) say(`may not be ${gone.join(', ')} any more`, 'history');
  if (values.length === 0 && nowValues.length > 0) say('has only certain values now', 'history');
  if (values.length > 0 && nowValues.length === 0) say('may have any value now', 'readers');
  const rules = new Set(
    [...Object.keys(before), ...Object.keys(after)].filter((rule) => !described.has(rule)),
  );
  for (const rule of rules) {
    if (structural.has(rule) || JSON.stringify(before[rule]) === JSON.stringify(after[rule])) continue;
    say(`${rule} was ${show(before[rule])}, is ${show(after[rule])}`, 'both');
  }
}

const show = (value: unknown): string => (value === undefined ? 'not set' : JSON.stringify(value));

const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.map((one: unknown) => JSON.stringify(one)) : [];

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function properties(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const { properties: named } = schema;
  if (!isSchema(named)) return {};
  return Object.fromEntries(
    Object.entries(named).filter((pair): pair is [string, JsonSchema] => isSchema(pair[1])),
  );
}

function required({ required: names }: JsonSchema): ReadonlySet<unknown> {
  return new Set(Array.isArray(names) ? names : []);
}
