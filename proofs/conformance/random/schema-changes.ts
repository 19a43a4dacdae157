/** DDL between the statements, and tables as they are made. */
import { typeNamed } from './derived-types.ts';
import { pick } from './draw.ts';
import { type Column, type KeyKind, keyColumns, primaryKey, type ScriptState, type Table } from './state.ts';

const tablesMax = 8;
const columnsMax = 14;
const moodsMax = 12;

const keyKinds: readonly KeyKind[] = [
  ...(['id', 'id', 'id and text', 'uuid', 'text', 'numeric', 'index', 'partitions', 'none'] as const),
];

const keyDefinitions: Readonly<Record<KeyKind, string>> = {
  id: 'id int, primary key (id)',
  'id and text': 'id int, k text, primary key (k, id)',
  uuid: 'id uuid, primary key (id)',
  text: 'id text, primary key (id)',
  numeric: 'id numeric(12,2), primary key (id)',
  index: 'id bigint not null',
  partitions: 'id int, primary key (id)',
  none: 'id int',
};

export function createTable(state: ScriptState): void {
  const { random } = state;
  if (state.tables.length >= tablesMax) return;
  const key = pick(random, keyKinds);
  const columns = Array.from({ length: random.whole(2, columnsMax) }, () => state.column());
  const name = `g.${state.name('t')}`;
  // The identity may not be of all columns then: https://www.postgresql.org/docs/18/logical-replication-gencols.html
  const isGenerating = key !== 'none' && random.chance(0.15);
  const table: Table = { name, key, hasKey: key !== 'none', isGenerating, columns, ids: [] };
  const list = columns.map((column) => `${column.name} ${column.type.name}`);
  if (isGenerating) list.push(`${state.name('s')} text generated always as ('same ' || 1) stored`);
  const by = key === 'partitions' ? ' partition by hash (id)' : '';
  state.say(`create table ${name} (${[keyDefinitions[key], ...list].join(', ')})${by}`);
  if (key === 'partitions') {
    for (const remainder of [0, 1]) {
      state.say(
        `create table g.${state.name('p')} partition of ${name} for values with (modulus 2, remainder ${remainder})`,
      );
    }
  }
  if (key === 'index') {
    const index = state.name('i');
    state.say(`create unique index ${index} on ${name} (id)`);
    state.say(`alter table ${name} replica identity using index ${index}`);
  } else if (key === 'none' || (!isGenerating && random.chance(0.3))) {
    state.say(`alter table ${name} replica identity full`);
  }
  state.tables.push(table);
}

const kinds = [
  ...([
    'create',
    'create',
    'drop',
    'add',
    'add',
    'default',
    'not null',
    'remove',
    'rename',
    'widen',
  ] as const),
  ...(['identity', 'identity', 'label', 'rename table', 'drop key', 'make key', 'in a transaction'] as const),
  ...(['set default', 'index', 'vacuum'] as const),
];

/** Debezium asks the catalogue what a table's key is: it must have read what was written under the old schema. */
export function changeSchema(state: ScriptState, change: () => string): void {
  state.mark('wait');
  const table = pick(state.random, state.tables);
  const kind = pick(state.random, kinds);
  switch (kind) {
    case 'create':
      return createTable(state);
    case 'drop':
      return dropTable(state, table);
    case 'label':
      return addLabel(state);
    case 'rename table':
      return renameTable(state, table);
    case 'identity':
      return changeIdentity(state, table);
    case 'drop key':
    case 'make key':
      return changeKey(state, { table, hasKey: kind === 'make key' });
    case 'in a transaction':
      state.say('begin');
      state.say(change());
      addColumn(state, { table, clause: '' });
      state.say(change());
      return state.say('commit');
    case 'index':
      return state.say(`create index on ${table.name} (${keyColumns(table)})`);
    case 'vacuum':
      return state.say(`vacuum ${table.key === 'partitions' ? '' : 'full '}${table.name}`);
    case 'add':
    case 'default':
    case 'not null':
    case 'remove':
    case 'rename':
    case 'widen':
    case 'set default':
      return changeColumn(state, { table, kind });
  }
}

type ColumnKind = 'add' | 'default' | 'not null' | 'remove' | 'rename' | 'widen' | 'set default';

function changeColumn(state: ScriptState, { table, kind }: { table: Table; kind: ColumnKind }): void {
  const column = pick(state.random, table.columns);
  switch (kind) {
    case 'add':
      return addColumn(state, { table, clause: '' });
    case 'default':
      return addColumn(state, { table, clause: 'default' });
    case 'not null':
      return addColumn(state, { table, clause: 'not null default' });
    case 'remove':
      if (table.columns.length < 3) return;
      table.columns = table.columns.filter((one) => one !== column);
      return state.say(`alter table ${table.name} drop column ${column.name}`);
    case 'rename': {
      const renamed = { ...column, name: state.name('c') };
      replaceColumn(table, { column, by: renamed });
      return state.say(`alter table ${table.name} rename ${column.name} to ${renamed.name}`);
    }
    case 'widen': {
      const type = typeNamed(column.type.wider);
      if (!type) return;
      replaceColumn(table, { column, by: { ...column, type } });
      return state.say(
        `alter table ${table.name} alter ${column.name} type ${type.name} using ${column.name}::${type.name}`,
      );
    }
    case 'set default': {
      const value = column.type.value(state.random, state);
      const default_ = value.includes('select') ? 'drop default' : `set default ${value}`;
      return state.say(`alter table ${table.name} alter ${column.name} ${default_}`);
    }
  }
}

function replaceColumn(table: Table, { column, by }: { column: Column; by: Column }): void {
  table.columns = table.columns.map((one) => (one === column ? by : one));
}

function addColumn(state: ScriptState, { table, clause }: { table: Table; clause: string }): void {
  if (table.columns.length >= columnsMax) return;
  const column = state.column();
  // A subquery is no default.
  const value = column.type.value(state.random, state);
  const rest = clause === '' || value.includes('select') ? '' : ` ${clause} ${value}`;
  table.columns = [...table.columns, column];
  state.say(`alter table ${table.name} add ${column.name} ${column.type.name}${rest}`);
}

function dropTable(state: ScriptState, table: Table): void {
  if (state.tables.length < 3) return;
  state.tables.splice(state.tables.indexOf(table), 1);
  state.say(`drop table ${table.name}`);
}

function renameTable(state: ScriptState, table: Table): void {
  const name = state.name('t');
  state.say(`alter table ${table.name} rename to ${name}`);
  table.name = `g.${name}`;
}

function changeIdentity(state: ScriptState, table: Table): void {
  if (table.key === 'index' || table.isGenerating) return;
  const identity = !table.hasKey || state.random.chance(0.5) ? 'full' : 'default';
  state.say(`alter table ${table.name} replica identity ${identity}`);
}

function changeKey(state: ScriptState, { table, hasKey }: { table: Table; hasKey: boolean }): void {
  if (table.isGenerating || table.hasKey === hasKey) return;
  if (['index', 'partitions', 'none'].includes(table.key)) return;
  table.hasKey = hasKey;
  if (hasKey) {
    return state.say(`alter table ${table.name} add primary key (${primaryKey(table)})`);
  }
  state.say(
    `do $body$ begin execute format('alter table ${table.name.replaceAll("'", "''")} drop constraint %I', ` +
      `(select conname from pg_constraint where contype = 'p' and conrelid = '${table.name.replaceAll("'", "''")}'::regclass)); end $body$`,
  );
  state.say(`alter table ${table.name} replica identity full`);
}

/** Later values may have it, in columns and arrays that were there before. */
function addLabel(state: ScriptState): void {
  if (state.moods.length >= moodsMax) return;
  const label = `new ${state.moods.length}, "ž"`;
  const place = state.random.chance(0.5) ? " before 'ok'" : '';
  state.say(`alter type g.mood add value '${label}'${place}`);
  state.moods.push(label);
}
