/** What a script knows of the database while it is written. */
import { Random } from '../../simulate/random.ts';
import type { Step } from '../case-file.ts';
import type { ColumnType, TypeWorld } from './column-types.ts';
import { drawType, firstMoods } from './derived-types.ts';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** How a row is told from others. Values come from one counter, so that no insert is refused. */
export type KeyKind = 'id' | 'id and text' | 'uuid' | 'text' | 'numeric' | 'index' | 'partitions' | 'none';

export interface Table {
  name: string;
  readonly key: KeyKind;
  /** It may be dropped and made again. */
  hasKey: boolean;
  /** It has a column that is computed, which nobody publishes. */
  readonly isGenerating: boolean;
  columns: readonly Column[];
  /** Of the last rows; some are deleted or were rolled back, which a statement that finds nothing does not mind. */
  ids: readonly number[];
}

const idsMax = 200;

export class ScriptState implements TypeWorld {
  readonly random: Random;
  readonly steps: Step[] = [];
  readonly tables: Table[] = [];
  readonly moods: string[] = [...firstMoods];
  #names = 0;
  #ids = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  say(sql: string, connection = 'main'): void {
    this.steps.push({ tag: 'statement', sql, connection, mayFail: true });
  }

  /** Both sides publish all that was written, or are stopped and started again. */
  mark(tag: 'wait' | 'restart'): void {
    this.steps.push({ tag });
  }

  /** A name that nothing has yet; some have to be quoted. */
  name(letter: string): string {
    this.#names += 1;
    const name = `${letter}${this.#names}`;
    return this.random.chance(0.1) ? `"${name} Odd'${letter.toUpperCase()}"` : name;
  }

  column(): Column {
    return { name: this.name('c'), type: drawType(this.random) };
  }

  value({ type }: Column): string {
    return this.random.chance(0.12) ? 'null' : type.value(this.random, this);
  }

  /** An id that no row has, remembered for the table. */
  newId(table: Table): number {
    this.#ids += 1;
    table.ids = [...table.ids.slice(-idsMax), this.#ids];
    return this.#ids;
  }
}

/** In the order of the primary key, which is not the table's. */
export const primaryKey = ({ key }: Table): string => (key === 'id and text' ? 'k, id' : 'id');

/** The columns that identify a row, as a list of SQL. */
export const keyColumns = ({ key }: Table): string => (key === 'id and text' ? 'id, k' : 'id');

export function idLiteral({ key }: Table, id: number): string {
  if (key === 'uuid') return `md5('${id}')::uuid`;
  if (key === 'text') return `'k ${id} ž'`;
  return key === 'numeric' ? `${id}.50` : String(id);
}

/** What `keyColumns` are in a new row. */
export const keyValues = (table: Table, id: number): string =>
  table.key === 'id and text' ? `${id}, 'k ${id} ž'` : idLiteral(table, id);
