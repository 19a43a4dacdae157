import { builtInTypes } from './built-in-types.ts';
import type { PostgresType } from './postgres-type.ts';

/** A type as `pg_type` describes it, with what else is needed of `pg_enum` and `pg_attribute`. */
export interface TypeRow {
  readonly oid: number;
  readonly name: string;
  /** `typtype`: b base, c composite, d domain, e enum, m multirange, p pseudo, r range. */
  readonly kind: string;
  /** Of an array, its element's oid; else 0. */
  readonly element: number;
  /** `typdelim`, one character. */
  readonly delimiter: string;
  /** Of a domain: the type it is over, and the modifier for it. */
  readonly base: number;
  readonly modifier: number;
  /** Of an enum, in order. */
  readonly labels: readonly string[] | null;
  /** Of a composite type, in order. */
  readonly fields:
    | readonly { readonly name: string; readonly oid: number; readonly modifier: number }[]
    | null;
}

/** What a Type message of pgoutput says. Of a domain the server names the type that it is over. */
export interface NamedType {
  readonly oid: number;
  readonly name: string;
}

/** Of these the elements are separated by something else than a comma. */
const semicolon = 0x3b;
const comma = 0x2c;

const builtIn = new Map<number, PostgresType>();
const byName = new Map<string, PostgresType>();
for (const { name, oid, arrayOid } of builtInTypes) {
  const type: PostgresType = { tag: 'base', name };
  const array: PostgresType = {
    tag: 'array',
    element: type,
    delimiter: name === 'box' ? semicolon : comma,
  };
  builtIn.set(oid, type).set(arrayOid, array);
  byName.set(name, type).set(`_${name}`, array);
}
builtIn.delete(0);

/**
 * What is known of types: the built-in ones always; others, whose oids differ from server to server, from the catalogue,
 * and from the stream, which names them before their first use. The catalogue may be newer than a change: a type that
 * was dropped since is still known by the name that the stream gave it.
 */
export class TypeCatalogue {
  #rows: ReadonlyMap<number, TypeRow>;
  readonly #named = new Map<number, string>();
  /** Decimal places of `money`, of the server's locale. */
  #moneyDigits: number;

  /** Whether the server has seen to it that every text is UTF-8 when it comes. */
  readonly areTextsChecked: boolean;

  constructor({
    rows = [],
    moneyDigits = 2,
    areTextsChecked = true,
  }: { rows?: readonly TypeRow[]; moneyDigits?: number; areTextsChecked?: boolean } = {}) {
    this.#rows = new Map(rows.map((row) => [row.oid, row]));
    this.#moneyDigits = moneyDigits;
    this.areTextsChecked = areTextsChecked;
  }

  get moneyDigits(): number {
    return this.#moneyDigits;
  }

  /** Takes what the catalogue says now. */
  update({ rows, moneyDigits }: { rows: readonly TypeRow[]; moneyDigits: number }): void {
    this.#rows = new Map(rows.map((row) => [row.oid, row]));
    this.#moneyDigits = moneyDigits;
  }

  /** Takes what the stream says of a type. */
  learn({ oid, name }: NamedType): void {
    this.#named.set(oid, name);
  }

  /** False: the catalogue that was read does not have it. */
  knows(oid: number): boolean {
    return builtIn.has(oid) || this.#rows.has(oid);
  }

  of(oid: number): PostgresType {
    return builtIn.get(oid) ?? this.#described(oid) ?? this.#byName(oid);
  }

  #described(oid: number): PostgresType | undefined {
    const row = this.#rows.get(oid);
    if (!row) return undefined;
    if (row.kind === 'd') return { tag: 'domain', base: this.of(row.base), modifier: row.modifier };
    if (row.kind === 'e') return { tag: 'enum', labels: row.labels ?? [] };
    if (row.element !== 0) {
      return { tag: 'array', element: this.of(row.element), delimiter: row.delimiter.charCodeAt(0) };
    }
    if (row.kind !== 'c')
      return { tag: 'base', name: row.kind === 'b' ? row.name : `${row.name}-${row.kind}` };
    const fields = (row.fields ?? []).map(({ name, oid: type, modifier }) => ({
      name,
      type: this.of(type),
      modifier,
    }));
    return { tag: 'composite', fields };
  }

  /** Without a description the name decides, and without a name the value is its text. */
  #byName(oid: number): PostgresType {
    const name = this.#named.get(oid) ?? 'unknown';
    return byName.get(name) ?? { tag: 'base', name };
  }
}
