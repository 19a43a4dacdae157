/** A script drawn from a seed: tables, values and statements of every kind that a case may hold. */
import { Random } from '../../simulate/random.ts';
import type { Case, Step } from '../case-file.ts';
import { type ColumnType, columnTypes, pick } from './column-types.ts';

interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** How a row is told from others. Values come from one counter, so that no insert is refused. */
type KeyKind = 'id' | 'id and text' | 'uuid' | 'none';

interface Table {
  readonly name: string;
  readonly key: KeyKind;
  columns: Column[];
  /** Of the last rows; some are deleted or were rolled back, which a statement that finds nothing does not mind. */
  ids: number[];
}

const tablesMax = 8;
const columnsMax = 14;
const idsMax = 200;

const preamble = [
  'create schema g',
  `create type g.mood as enum ('sad', 'ok', 'very, "happy"')`,
  'create domain g.price as numeric(10,2)',
];

/** The same seed draws the same script. `statements` is about how many there are. */
export function randomScript({ seed, statements }: { seed: number; statements: number }): Case {
  const writer = new ScriptWriter(seed);
  return {
    name: `random-${seed}`,
    title: `${statements} statements of seed ${seed}`,
    ...{
      relay: {},
      connector: {},
      needs: [],
      extensions: [],
      expectations: [],
      preparation: [],
      refusals: new Map(),
    },
    ...{ notYet: undefined, oursAlone: undefined, referenceFails: undefined, topics: '' },
    steps: writer.write(statements),
  };
}

class ScriptWriter {
  readonly #random: Random;
  readonly #steps: Step[] = [];
  readonly #tables: Table[] = [];
  #names = 0;
  #ids = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  write(statements: number): Step[] {
    for (const sql of preamble) this.#say(sql);
    for (let count = 0; count < 3; count += 1) this.#createTable();
    while (this.#steps.length < statements) {
      const draw = this.#random.next();
      if (draw < 0.015) this.#changeSchema();
      else if (draw < 0.3) this.#transaction();
      else this.#say(this.#change());
    }
    return this.#steps;
  }

  #say(sql: string): void {
    this.#steps.push({ tag: 'statement', sql, connection: 'main', mayFail: true });
  }

  /** Debezium asks the catalogue what a table's key is: it must have read what was written under the old schema. */
  #changeSchema(): void {
    this.#steps.push({ tag: 'wait' });
    const table = pick(this.#random, this.#tables);
    const column = pick(this.#random, table.columns);
    const kinds = [
      'create',
      'create',
      'drop',
      'add',
      'add',
      'default',
      'remove',
      'rename',
      'widen',
      'full',
      'default identity',
    ];
    switch (pick(this.#random, kinds)) {
      case 'create':
        return this.#createTable();
      case 'drop':
        return this.#dropTable(table);
      case 'add':
        return this.#addColumn(table, '');
      case 'default':
        return this.#addColumn(table, ' default');
      case 'remove':
        if (table.columns.length < 3) return;
        table.columns = table.columns.filter((one) => one !== column);
        return this.#say(`alter table ${table.name} drop column ${column.name}`);
      case 'rename': {
        const renamed = { ...column, name: this.#name('c') };
        table.columns = table.columns.map((one) => (one === column ? renamed : one));
        return this.#say(`alter table ${table.name} rename ${column.name} to ${renamed.name}`);
      }
      case 'widen': {
        const wider = columnTypes.find(({ name }) => name === column.type.wider);
        if (!wider) return;
        table.columns = table.columns.map((one) => (one === column ? { ...column, type: wider } : one));
        return this.#say(`alter table ${table.name} alter ${column.name} type ${wider.name}`);
      }
      default: {
        const full = table.key === 'none' || this.#random.chance(0.5);
        return this.#say(`alter table ${table.name} replica identity ${full ? 'full' : 'default'}`);
      }
    }
  }

  #createTable(): void {
    if (this.#tables.length >= tablesMax) return;
    const kinds: readonly KeyKind[] = ['id', 'id', 'id and text', 'uuid', 'none'];
    const key = pick(this.#random, kinds);
    const columns = Array.from({ length: this.#random.whole(2, columnsMax) }, () => this.#column());
    const table: Table = { name: `g.${this.#name('t')}`, key, columns, ids: [] };
    const keyColumns = {
      id: 'id int primary key',
      'id and text': 'id int, k text, primary key (id, k)',
      uuid: 'id uuid primary key',
      none: 'id int',
    }[key];
    const list = columns.map(({ name, type }) => `${name} ${type.name}`).join(', ');
    this.#say(`create table ${table.name} (${keyColumns}, ${list})`);
    if (key === 'none' || this.#random.chance(0.3))
      this.#say(`alter table ${table.name} replica identity full`);
    this.#tables.push(table);
  }

  #dropTable(table: Table): void {
    if (this.#tables.length < 3) return;
    this.#tables.splice(this.#tables.indexOf(table), 1);
    this.#say(`drop table ${table.name}`);
  }

  #addColumn(table: Table, withDefault: string): void {
    if (table.columns.length >= columnsMax) return;
    const column = this.#column();
    table.columns = [...table.columns, column];
    // A subquery is no default.
    const value = column.type.value(this.#random);
    const clause = withDefault === '' || value.includes('select') ? '' : ` default ${value}`;
    this.#say(`alter table ${table.name} add ${column.name} ${column.type.name}${clause}`);
  }

  #column(): Column {
    return { name: this.#name('c'), type: pick(this.#random, columnTypes) };
  }

  #name(letter: string): string {
    this.#names += 1;
    const name = `${letter}${this.#names}`;
    return this.#random.chance(0.1) ? `"${name} Odd'${letter.toUpperCase()}"` : name;
  }

  #transaction(): void {
    this.#say('begin');
    for (let count = this.#random.whole(1, 8); count > 0; count -= 1) {
      if (this.#random.chance(0.2)) this.#savepoint();
      else this.#say(this.#change());
    }
    this.#say(this.#random.chance(0.8) ? 'commit' : 'rollback');
  }

  #savepoint(): void {
    this.#say('savepoint s');
    for (let count = this.#random.whole(1, 3); count > 0; count -= 1) this.#say(this.#change());
    this.#say(this.#random.chance(0.5) ? 'rollback to s' : 'release s');
  }

  #change(): string {
    const table = pick(this.#random, this.#tables);
    const draw = this.#random.next();
    if (table.ids.length === 0 || draw < 0.4) return this.#insert(table);
    const where = this.#where(table);
    if (draw < 0.8) return `update ${table.name} set ${this.#assignments(table)}${where}`;
    if (draw < 0.87) return this.#moveKey(table, where);
    if (draw < 0.99) return `delete from ${table.name}${where}`;
    return `truncate ${table.name}`;
  }

  #insert(table: Table): string {
    const rows = Array.from({ length: this.#random.chance(0.2) ? this.#random.whole(2, 6) : 1 }, () => {
      const values = table.columns.map((column) => this.#value(column));
      return `(${[this.#newKey(table), ...values].join(', ')})`;
    });
    const names = table.columns.map(({ name }) => name);
    const key = table.key === 'id and text' ? ['id', 'k'] : ['id'];
    return `insert into ${table.name} (${[...key, ...names].join(', ')}) values ${rows.join(', ')}`;
  }

  #newKey(table: Table): string {
    this.#ids += 1;
    table.ids = [...table.ids.slice(-idsMax), this.#ids];
    return table.key === 'id and text' ? `${this.#ids}, 'k ${this.#ids} ž'` : idLiteral(table, this.#ids);
  }

  #assignments(table: Table): string {
    const chosen = table.columns.filter(() => this.#random.chance(0.3));
    const columns = chosen.length > 0 ? chosen : table.columns.slice(0, 1);
    return columns.map((column) => `${column.name} = ${this.#value(column)}`).join(', ');
  }

  #moveKey(table: Table, where: string): string {
    if (table.key === 'none') return `update ${table.name} set id = id + 1${where}`;
    this.#ids += 1;
    table.ids.push(this.#ids);
    return `update ${table.name} set id = ${idLiteral(table, this.#ids)}${where}`;
  }

  #where(table: Table): string {
    return ` where id = ${idLiteral(table, pick(this.#random, table.ids))}`;
  }

  #value({ type }: Column): string {
    return this.#random.chance(0.12) ? 'null' : type.value(this.#random);
  }
}

function idLiteral({ key }: Table, id: number): string {
  return key === 'uuid' ? `md5('${id}')::uuid` : String(id);
}
