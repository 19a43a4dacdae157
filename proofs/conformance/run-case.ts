/** One case in a session: its statements, then what both sides made of them, mode by mode. */
import { OperatingError } from '@diptych/runtime/failure';
import pg from 'pg';
import type { Case } from './case-file.ts';
import { compareTopics, type Difference } from './compare.ts';
import { declarationOf } from './declared.ts';
import { brokenExpectations } from './expectation.ts';
import type { ModeSides } from './mode-sides.ts';
import type { ModeName } from './modes.ts';
import { isObject, type Observed } from './observed.ts';
import { askDatabase, columnTypes, type DatabaseAccount, judge } from './oracle.ts';
import { NotCaughtUp, type Published, type Session } from './session.ts';

/** A difference that nothing declares. `type`: of the column that it is in. */
export type Finding = Difference & { readonly type: string | undefined };

export interface ModeOutcome {
  readonly mode: ModeName;
  readonly undeclared: readonly Finding[];
  /** How often each declaration took a difference. */
  readonly declared: Readonly<Record<string, number>>;
  /** Where our side is not what the case or the database says, in words. */
  readonly wrong: readonly string[];
  /** Where the reference is not what the case says. */
  readonly referenceWrong: readonly string[];
  readonly records: number;
}

export type CaseOutcome = { readonly name: string; readonly title: string } & (
  | { readonly tag: 'not-run'; readonly why: string }
  | { readonly tag: 'broken'; readonly why: string }
  | {
      readonly tag: 'run';
      readonly passed: boolean;
      /** Of a case that says that the reference fails: whether it still does. */
      readonly reference: 'agrees' | 'is not asked' | 'still fails' | 'no longer fails';
      /** Why it is not asked, or in what it fails; undefined where it agrees. */
      readonly why: string | undefined;
      readonly modes: readonly ModeOutcome[];
      /** What the server said to statements that may fail, and how often. */
      readonly refused: ReadonlyMap<string, number>;
      readonly seconds: number;
    }
);

/** Runs a case. A session in which a side has ended, or a statement was refused, is not to be used again. */
export async function runCase(
  given: Case,
  session: Session,
): Promise<{ outcome: CaseOutcome; sessionIsUsable: boolean }> {
  const { name, title } = given;
  const startedAt = performance.now();
  session.refused.clear();
  try {
    for (const step of given.steps) await session.run(step);
    await session.caughtUp();
  } catch (error) {
    const why = brokenBy(error);
    if (why === undefined) throw error;
    return { outcome: { name, title, tag: 'broken', why }, sessionIsUsable: false };
  }
  const refused = new Map(session.refused);
  const account = await askDatabase(session);
  let sessionIsUsable = true;
  const modes: ModeOutcome[] = [];
  for (const sides of session.sides) {
    const { outcome, ended } = await compareMode(given, { session, sides, account });
    modes.push(outcome);
    if (ended) sessionIsUsable = false;
  }
  if (sessionIsUsable) await clear(session);
  const outcome: CaseOutcome = {
    ...{ name, title, tag: 'run', modes, refused },
    passed: modes.every(({ undeclared, wrong }) => undeclared.length + wrong.length === 0),
    reference: referenceOf(given, modes),
    why: given.referenceFails ?? given.oursAlone,
    seconds: Math.round(performance.now() - startedAt) / 1000,
  };
  return { outcome, sessionIsUsable };
}

function referenceOf({ oursAlone, referenceFails }: Case, modes: readonly ModeOutcome[]) {
  if (referenceFails === undefined) return oursAlone === undefined ? 'agrees' : 'is not asked';
  return modes.some((mode) => mode.referenceWrong.length > 0) ? 'still fails' : 'no longer fails';
}

/** Why a case could not be carried out; undefined for what is no matter of the case. */
export function brokenBy(error: unknown): string | undefined {
  if (error instanceof NotCaughtUp || error instanceof OperatingError) return error.message;
  if (!(error instanceof pg.DatabaseError)) return undefined;
  return `a statement was refused: ${error.message} (${error.code})`;
}

async function compareMode(
  given: Case,
  { session, sides, account }: { session: Session; sides: ModeSides; account: DatabaseAccount },
): Promise<{ outcome: ModeOutcome; ended: boolean }> {
  const mode = sides.mode.name;
  const ours = within(given.topics, await session.published(sides.ours));
  const theirs = within(given.topics, await session.published(sides.theirs));
  const refusal = given.refusals.get(mode);
  const wrong =
    refusal === undefined ? brokenExpectations(given.expectations, { mode, records: ours.records }) : [];
  wrong.push(...unexpectedEnd(ours.failure, refusal));
  if (refusal === undefined && given.topics === '' && given.preparation.length === 0)
    wrong.push(...(await judge(ours.records, { session, account, mode })));
  const expected = given.steps.some(({ tag }) => tag === 'kill')
    ? withoutRepeats(theirs.records)
    : theirs.records;
  const referenceWrong = brokenExpectations(given.expectations, { mode, records: expected });
  if (theirs.failure !== undefined) referenceWrong.push(`the reference has ended: ${theirs.failure}`);
  const excused =
    refusal !== undefined ||
    given.oursAlone !== undefined ||
    (given.referenceFails !== undefined && referenceWrong.length > 0);
  if (!excused)
    wrong.push(...referenceWrong.filter((what) => !wrong.includes(what)).map((what) => `reference: ${what}`));
  const undeclared: Finding[] = [];
  const declared: Record<string, number> = {};
  const types = columnTypes(account);
  const messages = positionsOfLoneMessages(expected);
  for (const difference of excused ? [] : compareTopics(ours.records, expected)) {
    const type = typeOf(difference, types);
    const taken = declarationOf(difference, { mode, type, messages });
    if (taken === undefined) undeclared.push({ ...difference, type });
    else declared[taken] = (declared[taken] ?? 0) + 1;
  }
  const records = ours.records.length;
  return {
    outcome: { mode, undeclared, declared, wrong, referenceWrong, records },
    ended: ours.failure !== undefined || theirs.failure !== undefined,
  };
}

/** Positions of the logical messages that stand outside of transactions. */
function positionsOfLoneMessages(records: readonly Observed[]): ReadonlySet<string> {
  const sources = records.flatMap(({ topic, value }) =>
    topic === 'message' && isObject(value) && isObject(value.source) ? [value.source] : [],
  );
  return new Set(sources.filter(({ txId }) => txId === null).map(({ lsn }) => String(lsn)));
}

/** Our side may end only where the case says so, and has to then. */
function unexpectedEnd(failure: string | undefined, refusal: string | undefined): string[] {
  if (refusal === undefined) return failure === undefined ? [] : [`ours has ended: ${failure}`];
  if (failure?.includes(`(${refusal})`)) return [];
  return [
    `ours has to refuse with ${refusal}, and ${failure === undefined ? 'goes on' : `ended so: ${failure}`}`,
  ];
}

/** The type of the column that a difference is in. */
function typeOf({ topic, path }: Difference, types: ReadonlyMap<string, string>): string | undefined {
  const column =
    /^(?:value|schemas\.value\.fields)\.(?:before|after)(?:\.fields)?\.([^.[]+?)(?:$|[.[]| \(order)/.exec(
      path,
    )?.[1];
  return types.get(`${topic} ${column}`);
}

function within(topics: string, published: Published): Published {
  return { ...published, records: published.records.filter(({ topic }) => topic.startsWith(topics)) };
}

/**
 * Debezium promises at least once: after a kill it repeats what it had not noted. We are held to exactly once. A tombstone
 * has no place of its own: it goes with the record before it.
 */
export function withoutRepeats(records: readonly Observed[]): Observed[] {
  const seen = new Set<string>();
  let repeats = false;
  return records.filter(({ topic, key, value }) => {
    if (value === null) return !repeats;
    const id = JSON.stringify([topic, key, value], bigints);
    repeats = seen.has(id);
    seen.add(id);
    return !repeats;
  });
}

const bigints = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value;

/** What the case made is dropped, so that the next one begins with nothing. */
async function clear(session: Session): Promise<void> {
  const schemas = await session.query<{ name: string }>(
    `select nspname as name from pg_namespace
     where nspname <> all (array['conformance', 'information_schema']) and nspname !~ '^pg_'`,
  );
  for (const { name } of schemas) await session.query(`drop schema ${pg.escapeIdentifier(name)} cascade`);
  await session.query('create schema public');
  await session.query('truncate conformance.noted');
  await session.caughtUp();
  for (const { ours, theirs } of session.sides) {
    await session.published(ours);
    await session.published(theirs);
  }
}
