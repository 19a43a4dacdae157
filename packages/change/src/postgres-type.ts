/**
 * A column's type, as far as its values' form depends on it. Types of extensions are base types under their names.
 * https://www.postgresql.org/docs/18/catalog-pg-type.html
 */
export type PostgresType =
  /** A built-in type, or one of an extension: which one says its name. */
  | { readonly tag: 'base'; readonly name: string }
  | { readonly tag: 'array'; readonly element: PostgresType; readonly delimiter: number }
  | { readonly tag: 'domain'; readonly base: PostgresType; readonly modifier: number }
  | { readonly tag: 'enum'; readonly labels: readonly string[] }
  | { readonly tag: 'composite'; readonly fields: readonly CompositeField[] };

export interface CompositeField {
  readonly name: string;
  readonly type: PostgresType;
  readonly modifier: number;
}

/** The type below all domains, and the modifier that counts for its values. */
export function withoutDomains(
  type: PostgresType,
  modifier: number,
): { readonly type: Exclude<PostgresType, { tag: 'domain' }>; readonly modifier: number } {
  let below = type;
  let found = modifier;
  while (below.tag === 'domain') {
    if (below.modifier !== -1) found = below.modifier;
    below = below.base;
  }
  return { type: below, modifier: found };
}
