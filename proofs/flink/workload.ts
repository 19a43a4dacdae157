/** Random tables with full replica identity, and what a service does to them. The same seed draws the same statements. */
import { pick } from '../conformance/random/draw.ts';
import { Random } from '../simulate/random.ts';
import { type FlinkColumn, flinkColumns } from './columns.ts';

export interface WorkTable {
  readonly name: string;
  /** Besides `id`, its primary key; in order `c0`, `c1` … */
  readonly columns: readonly FlinkColumn[];
  ids: number[];
}

const idsMax = 300;

export class Workload {
  readonly tables: readonly WorkTable[];
  readonly #random: Random;
  #ids = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    // Every type is in one table, chance gives the others theirs.
    this.tables = ['broad', 'mixed', 'narrow'].map((name, index) => {
      const columns = index === 0 ? flinkColumns : flinkColumns.filter(() => this.#random.chance(0.3));
      return { name, columns, ids: [] };
    });
  }

  /** SQL that makes the tables. Flink wants the whole row before a change. */
  schema(): string {
    return this.tables
      .map(({ name, columns }) => {
        const list = columns.map(({ postgres }, index) => `c${index} ${postgres}`);
        return (
          `create table ${name} (${['id int primary key', ...list].join(', ')});` +
          `alter table ${name} replica identity full;`
        );
      })
      .join('\n');
  }

  /** Statements to be sent one by one: some stand alone, some in transactions, some of which are rolled back. */
  next(): string[] {
    const random = this.#random;
    if (random.chance(0.7)) return [this.#change()];
    const changes = Array.from({ length: random.whole(1, 8) }, () => this.#change());
    const undone = ['savepoint s', this.#change(), 'rollback to s'];
    return [
      ...['begin', ...changes, ...(random.chance(0.3) ? undone : [])],
      random.chance(0.8) ? 'commit' : 'rollback',
    ];
  }

  #change(): string {
    const random = this.#random;
    const table = pick(random, this.tables);
    const { name, columns, ids } = table;
    const draw = random.next();
    if (ids.length === 0 || draw < 0.45) {
      const rows = Array.from({ length: random.chance(0.2) ? random.whole(2, 5) : 1 }, () =>
        [this.#newId(table), ...columns.map((column) => this.#value(column))].join(', '),
      );
      return `insert into ${name} values ${rows.map((row) => `(${row})`).join(', ')}`;
    }
    const where = ` where id = ${pick(random, ids)}`;
    if (draw < 0.8) {
      const set = columns.flatMap((column, index) =>
        random.chance(0.3) ? `c${index} = ${this.#value(column)}` : [],
      );
      return `update ${name} set ${set.length > 0 ? set.join(', ') : 'id = id'}${where}`;
    }
    if (draw < 0.88) return `update ${name} set id = ${this.#newId(table)}${where}`;
    return `delete from ${name}${where}`;
  }

  #newId(table: WorkTable): number {
    this.#ids += 1;
    table.ids = [...table.ids.slice(-idsMax), this.#ids];
    return this.#ids;
  }

  #value({ value }: FlinkColumn): string {
    return this.#random.chance(0.12) ? 'null' : value(this.#random);
  }
}
