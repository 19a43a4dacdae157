/** Statements that change rows, each of which a service might send. */
import { pick } from './draw.ts';
import { idLiteral, keyColumns, keyValues, type ScriptState, type Table } from './state.ts';

/** A statement; on a table without rows an INSERT. */
export function drawChange(state: ScriptState): string {
  const { random, tables } = state;
  const table = pick(random, tables);
  const draw = random.next();
  if (table.ids.length === 0 || draw < 0.36) return insert(state, table);
  if (draw < 0.7) return update(state, table);
  if (draw < 0.76) return moveKey(state, table);
  if (draw < 0.86) return `delete from ${table.name}${where(state, table)}`;
  if (draw < 0.98) return oddChange(state, table);
  const more = random.chance(0.3) ? `, ${pick(random, tables).name}` : '';
  return `truncate ${table.name}${more}${random.chance(0.3) ? ' restart identity cascade' : ''}`;
}

function insert(state: ScriptState, table: Table): string {
  const { random } = state;
  const count = random.chance(0.2) ? random.whole(2, 6) : 1;
  const rows = Array.from({ length: count }, () => {
    const values = table.columns.map((column) => state.value(column));
    return `(${[keyValues(table, state.newId(table)), ...values].join(', ')})`;
  });
  return `insert into ${table.name} (${columnList(table)}) values ${rows.join(', ')}`;
}

const columnList = (table: Table): string =>
  [keyColumns(table), ...table.columns.map(({ name }) => name)].join(', ');

function update(state: ScriptState, table: Table): string {
  return `update ${table.name} set ${assignments(state, table)}${where(state, table)}`;
}

function assignments(state: ScriptState, table: Table): string {
  const { random } = state;
  const chosen = table.columns.filter(() => random.chance(0.3));
  const columns = chosen.length > 0 ? chosen : table.columns.slice(0, 1);
  return columns
    .map((column) => `${column.name} = ${random.chance(0.04) ? 'default' : state.value(column)}`)
    .join(', ');
}

function moveKey(state: ScriptState, table: Table): string {
  const condition = ` where id = ${idLiteral(table, pick(state.random, table.ids))}`;
  return `update ${table.name} set id = ${idLiteral(table, state.newId(table))}${condition}`;
}

/** One row mostly; of several rows there are as many changes. */
function where({ random }: ScriptState, table: Table): string {
  const id = () => idLiteral(table, pick(random, table.ids));
  return random.chance(0.15) ? ` where id in (${id()}, ${id()}, ${id()})` : ` where id = ${id()}`;
}

/** What is written less often: it makes the same changes in another way, or none. */
function oddChange(state: ScriptState, table: Table): string {
  const { random } = state;
  const { name } = table;
  const [first] = table.columns;
  const kinds = ['upsert', 'nothing', 'merge', 'copy', 'as it was', 'cte', 'caught', 'message'] as const;
  switch (pick(random, kinds)) {
    case 'upsert':
      if (!table.hasKey || first === undefined) return insert(state, table);
      return (
        `insert into ${name} (${keyColumns(table)}) values (${keyValues(table, pick(random, table.ids))}) ` +
        `on conflict (${keyColumns(table)}) do update set ${assignments(state, table)}`
      );
    case 'nothing':
      return `update ${name} set id = id where false`;
    case 'merge':
      return (
        `merge into ${name} t using (select ${idLiteral(table, pick(random, table.ids))} as s) s on t.id = s.s ` +
        `when matched and ${random.chance(0.3)} then delete when matched then update set ${assignments(state, table)}`
      );
    case 'copy': {
      const columns = table.columns.map((column) => column.name);
      const from = idLiteral(table, pick(random, table.ids));
      const key = keyValues(table, state.newId(table));
      return `insert into ${name} (${columnList(table)}) select ${[key, ...columns].join(', ')} from ${name} where id = ${from}`;
    }
    case 'as it was':
      return `update ${name} set ${first ? `${first.name} = ${first.name}` : 'id = id'}${where(state, table)}`;
    case 'cte':
      return `with gone as (delete from ${name}${where(state, table)} returning 1) ${insert(state, pick(random, state.tables))}`;
    case 'caught': {
      // A subtransaction that is rolled back inside one that commits.
      const failing = `${update(state, table)}; perform 1 / 0`;
      return `do $body$ begin ${insert(state, table)}; begin ${failing}; exception when others then null; end; end $body$`;
    }
    case 'message':
      return `select pg_logical_emit_message(${random.chance(0.7)}, 'random', '${pick(random, ['', 'ž', '{"a": 1}'])}')`;
  }
}
