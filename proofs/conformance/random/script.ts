/** A script drawn from a seed: tables, values and statements of every kind that a case may hold. */
import type { Case } from '../case-file.ts';
import { extensions, typePreamble } from './derived-types.ts';
import { drawChange } from './row-changes.ts';
import { changeSchema, createTable } from './schema-changes.ts';
import { ScriptState } from './state.ts';

/** `main` sends what stands alone. */
const connections = ['main', 'second', 'third'] as const;

/** The same seed draws the same script. `statements` is about how many there are. */
export function randomScript({ seed, statements }: { seed: number; statements: number }): Case {
  const state = new ScriptState(seed);
  write(state, statements);
  return {
    name: `random-${seed}`,
    title: `${statements} statements of seed ${seed}`,
    ...{
      relay: { DIPTYCH_CHANGE_MESSAGES: 'true' },
      connector: {},
      needs: [],
      extensions,
      expectations: [],
      preparation: [],
      refusals: new Map(),
      ...{ snapshots: undefined, foldAlone: undefined },
    },
    ...{ notRun: undefined, oursAlone: undefined, referenceFails: undefined, topics: '' },
    steps: state.steps,
  };
}

function write(state: ScriptState, statements: number): void {
  const { random } = state;
  // A row that another connection has locked: the statement is refused, and its transaction with it.
  for (const connection of connections) state.say("set lock_timeout = '20ms'", connection);
  for (const sql of typePreamble) state.say(sql);
  for (let count = 0; count < 3; count += 1) createTable(state);
  const change = (): string => drawChange(state);
  while (state.steps.length < statements) {
    const draw = random.next();
    if (draw < 0.0004) restart(state);
    else if (draw < 0.016) changeSchema(state, change);
    else if (draw < 0.25) for (const sql of transaction(state)) state.say(sql);
    else if (draw < 0.28) interleave(state);
    else state.say(change());
  }
}

/** What is the very first thing after a restart the reference may lose (C-68b): here both have begun again before it. */
function restart(state: ScriptState): void {
  state.mark('restart');
  state.mark('wait');
}

function transaction(state: ScriptState): string[] {
  const { random } = state;
  const statements = ['begin'];
  for (let count = random.whole(1, 8); count > 0; count -= 1) {
    if (random.chance(0.2)) statements.push(...savepoint(state, 's'));
    else statements.push(drawChange(state));
  }
  return [...statements, random.chance(0.8) ? 'commit' : 'rollback'];
}

/** Names may hide each other; savepoints stand in savepoints. */
function savepoint(state: ScriptState, name: string): string[] {
  const { random } = state;
  const statements = [`savepoint ${name}`];
  for (let count = random.whole(1, 3); count > 0; count -= 1) {
    if (random.chance(0.15)) statements.push(...savepoint(state, `${name}s`));
    else statements.push(drawChange(state));
  }
  return [...statements, random.chance(0.5) ? `rollback to ${name}` : `release ${name}`];
}

/** Transactions that run at the same time, one on each connection, and commit in another order than they began. */
function interleave(state: ScriptState): void {
  const { random } = state;
  const open = connections.map((connection) => ({ connection, statements: transaction(state) }));
  while (open.some(({ statements }) => statements.length > 0)) {
    const { connection, statements } = open[random.whole(0, open.length - 1)] ?? {};
    const sql = statements?.shift();
    if (sql !== undefined) state.say(sql, connection);
  }
}
