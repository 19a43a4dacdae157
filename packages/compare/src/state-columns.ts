/**
 * Which columns hold a state (`status`, a flag): short texts or booleans of few different values that updates change.
 * Bounded: of a column no more values are remembered than a state may have, and none once it has had more.
 */

/** A value of a state column. */
export type StateValue = string | boolean | null;

/** States of a machine that people draw; a column with more is data. */
const valuesMax = 12;
const lengthMax = 40;
/** A column that was seen less often per value may be free text of which little was seen. */
const sightingsPerValue = 3;
/** Columns that are watched; later ones are taken for data. */
const columnsMax = 2000;

interface Column {
  readonly values: Map<string, StateValue>;
  sightings: number;
  moved: boolean;
  /** It is data, for ever. */
  lost: boolean;
}

interface Place {
  readonly table: string;
  readonly column: string;
}

export type SavedStateColumns = readonly (readonly [
  place: string,
  values: readonly (readonly [digest: string, value: StateValue])[],
  sightings: number,
  moved: boolean,
  lost: boolean,
])[];

export class StateColumns {
  readonly #columns = new Map<string, Column>();
  /** How many columns turned out to be data: shapes that name their values are then to be coarsened. */
  #losses = 0;

  constructor(saved: SavedStateColumns = []) {
    for (const [place, values, sightings, moved, lost] of saved)
      this.#columns.set(place, { values: new Map(values), sightings, moved, lost });
  }

  get losses(): number {
    return this.#losses;
  }

  /** Takes a value in, and answers it when the column may be one of state; undefined when it is data. */
  see({ table, column, value, digest }: Place & { value: unknown; digest: string }): StateValue | undefined {
    const known = this.#columnOf({ table, column });
    if (known === undefined || known.lost) return undefined;
    const isState =
      value === null ||
      typeof value === 'boolean' ||
      (typeof value === 'string' && value.length <= lengthMax);
    known.sightings += 1;
    if (isState) known.values.set(digest, value);
    if (isState && known.values.size <= valuesMax) return value;
    this.#lose(known);
    return undefined;
  }

  /** The value that had the digest; undefined when it is not known. */
  valueOf({ table, column, digest }: Place & { digest: string }): StateValue | undefined {
    return this.#columns.get(placeOf({ table, column }))?.values.get(digest);
  }

  /** An update changed it. */
  moved(place: Place): void {
    const known = this.#columns.get(placeOf(place));
    if (known !== undefined) known.moved = true;
  }

  /** Whether it may still be one of state. */
  mayBeState(place: Place): boolean {
    return this.#columns.get(placeOf(place))?.lost === false;
  }

  /** Whether it is one, by what was seen until now. */
  isState(place: Place): boolean {
    const known = this.#columns.get(placeOf(place));
    if (known === undefined || known.lost || !known.moved) return false;
    return known.sightings >= known.values.size * sightingsPerValue;
  }

  /** Gives up the column with the most values, so that there are fewer shapes; false when there is none left. */
  loseWidest(): boolean {
    const [widest] = [...this.#columns.values()]
      .filter(({ lost }) => !lost)
      .sort((left, right) => right.values.size - left.values.size);
    if (widest === undefined) return false;
    this.#lose(widest);
    return true;
  }

  save(): SavedStateColumns {
    return [...this.#columns].map(([place, { values, sightings, moved, lost }]) => [
      place,
      [...values],
      sightings,
      moved,
      lost,
    ]);
  }

  #lose(column: Column): void {
    column.lost = true;
    column.values.clear();
    this.#losses += 1;
  }

  #columnOf(place: Place): Column | undefined {
    const key = placeOf(place);
    const known = this.#columns.get(key);
    if (known !== undefined || this.#columns.size >= columnsMax) return known;
    const column: Column = { values: new Map(), sightings: 0, moved: false, lost: false };
    this.#columns.set(key, column);
    return column;
  }
}

const placeOf = ({ table, column }: Place): string => `${table} ${column}`;
