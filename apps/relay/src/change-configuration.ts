/** The settings of the change panel: which tables, and how their rows are represented. */
import { z } from 'zod';

/** Left out, the mode is that of `compat`. */
const mode = <const Modes extends readonly [string, ...string[]]>(modes: Modes, description: string) =>
  z.enum(modes).optional().meta({ description });

const list = (description: string) => z.array(z.string().min(1)).default([]).meta({ description });

const columnPattern = '`schema.table.column`, `*` for any characters';

const withLength = (description: string, { isRequired }: { isRequired: boolean }) =>
  z
    .array(
      isRequired
        ? z.string().regex(/^.+\..+\..+:\d+$/, 'takes schema.table.column:length')
        : z.string().min(1),
    )
    .default([])
    .meta({ description });

const columns = z
  .strictObject({
    include: list(
      `Columns that \`before\` and \`after\` have, ${columnPattern}; none named: all (\`column.include.list\`).`,
    ),
    exclude: list(
      'Columns that they do not have, in the same form (`column.exclude.list`). Keys keep their columns.',
    ),
    mask: withLength(
      'Columns whose values are replaced by asterisks, `schema.table.column` or `schema.table.column:length` (`column.mask.with.length.chars`).',
      { isRequired: false },
    ),
    hash: list(
      'Columns whose values are replaced by the SHA-256 of salt and text (`column.mask.hash.v2.SHA-256.with.salt`).',
    ),
    hashSalt: z.string().default('').meta({ description: 'The salt of these hashes.', secret: true }),
    truncate: withLength(
      'Columns of text that are cut, `schema.table.column:length` in characters (`column.truncate.to.length.chars`).',
      { isRequired: true },
    ),
  })
  .prefault({});

const messagePrefixes = z
  .strictObject({
    include: list(
      'Prefixes of logical messages that are published, `*` for any characters; none named: all (`message.prefix.include.list`).',
    ),
    exclude: list(
      'Prefixes that are not (`message.prefix.exclude.list`). Those that begin with `diptych.` never are.',
    ),
  })
  .prefault({});

/** How change events represent rows. `compat` chooses a set of defaults, each of which can be chosen alone. */
export const representationSettings = {
  compat: z.enum(['none', 'debezium']).default('none').meta({
    description:
      'Whose defaults the settings below have that are not set: ours, exact and readable, or those of Debezium 3.7 (docs/change-events.md).',
  }),
  decimals: mode(
    ['string', 'precise', 'double'],
    'numeric and money (`decimal.handling.mode`): `string`, `precise` (Connect’s Decimal), `double`. Default `string`, in compat `precise`.',
  ),
  times: mode(
    ['iso', 'adaptive', 'adaptive_time_microseconds', 'connect', 'microseconds', 'nanoseconds'],
    'Dates and times (`time.precision.mode`, whose `isostring` is `iso`). Default `iso`, in compat `adaptive`.',
  ),
  intervals: mode(
    ['string', 'numeric'],
    'Intervals (`interval.handling.mode`): ISO 8601, or µs. Default `string`, in compat `numeric`.',
  ),
  binary: mode(
    ['bytes', 'base64', 'base64-url-safe', 'hex'],
    'bytea and contents of logical messages (`binary.handling.mode`). Default `bytes`, which is base64 in JSON.',
  ),
  hstore: mode(
    ['map', 'json'],
    'hstore (`hstore.handling.mode`): an object, or a string of JSON. Default `map`, in compat `json`.',
  ),
  unknownTypes: mode(
    ['text', 'bytes', 'omit'],
    'Types that Debezium does not know (`include.unknown.datatypes`: `omit` is its false, `bytes` its true). Default `text`, in compat `omit`.',
  ),
  placeholder: z.string().optional().meta({
    description:
      'What stands for a TOASTed value that a change left as it was (`unavailable.value.placeholder`). Empty: the column is left out and named in `unchanged`. Default empty, in compat `__debezium_unavailable_value`.',
  }),
  schemas: z.enum(['none', 'inline']).default('none').meta({
    description:
      'Whether each key and value carries its Connect schema, `{schema, payload}`, for readers that demand one.',
  }),
  tombstones: z
    .boolean()
    .default(true)
    .meta({ description: 'A tombstone after each delete (`tombstones.on.delete`).' }),
  truncates: z.boolean().optional().meta({
    description:
      'A record in every partition for each TRUNCATE (`skipped.operations` without `t`). Default true, in compat false.',
  }),
  begin: z.boolean().optional().meta({
    description: 'A BEGIN in the transaction topic besides END. Default false, in compat true.',
  }),
  messages: z.boolean().optional().meta({
    description: 'Logical messages in `<prefix>.message`. Default false, in compat true.',
  }),
  messagePrefixes,
  keyColumns: list(
    `Columns that are the key of their tables’ records instead of the primary key, ${columnPattern} (\`message.key.columns\`).`,
  ),
  columns,
};
