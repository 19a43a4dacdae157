/** One case in a session: its statements, then what both sides made of them, mode by mode. */

import { OperatingError } from '@diptych/runtime/failure';
import { stringifyLossless } from '@diptych/runtime/json';
import pg from 'pg';
import type { Case } from './case-file.ts';
import { type ColumnTypes, columnOf, columnTypes } from './column-of.ts';
import { absent, compareTopics, type Difference } from './compare.ts';
import { referenceKnows } from './declaration.ts';
import { declarationOf } from './declared.ts';
import { brokenExpectations } from './expectation.ts';
import { type CaseInSession, judgeCase } from './judge-case.ts';
import type { ModeName } from './modes.ts';
import { isObject, type Observed, type Published } from './observed.ts';
import { askDatabase, type DatabaseAccount, rekeyedTopics } from './oracle.ts';
import { streamedKeys } from './read-rows.ts';
import { NotCaughtUp, type Session } from './session.ts';

/** A difference that nothing declares. `type`: of the column that it is in. */
export type Finding = Difference & { readonly type: string | undefined };

export interface ModeOutcome {
  readonly mode: ModeName;
  readonly undeclared: readonly Finding[];
  /** How often each declaration took a difference. */
  readonly declared: Readonly<Record<string, number>>;
  /** Where our side is not what the case or the database says, in words. */
  readonly wrong: readonly string[];
  /** Why the reference ended: from there on the database alone has judged. */
  readonly referenceEnded: string | undefined;
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
      readonly reference: 'agrees' | 'is not asked' | 'still fails' | 'no longer fails' | 'ended';
      /** Why it is not asked, or in what it fails; undefined where it agrees. */
      readonly why: string | undefined;
      readonly modes: readonly ModeOutcome[];
      /** What the server said to statements that may fail, and how often. */
      readonly refused: ReadonlyMap<string, number>;
      readonly seconds: number;
    }
);

/** Why a case is not run on a server that another one may stand in for. */
export const lacksExtension = 'this server has no extension';

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
    await session.settled();
    await session.snapshotsDone();
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

/** Why a case could not be carried out; undefined for what is no matter of the case. */
export function brokenBy(error: unknown): string | undefined {
  if (error instanceof NotCaughtUp || error instanceof OperatingError) return error.message;
  if (!(error instanceof pg.DatabaseError)) return undefined;
  return `a statement was refused: ${error.message} (${error.code})`;
}

function referenceOf({ oursAlone, referenceFails }: Case, modes: readonly ModeOutcome[]) {
  const isWrong = modes.some((mode) => mode.referenceWrong.length > 0 || mode.referenceEnded !== undefined);
  if (referenceFails !== undefined) return isWrong ? 'still fails' : 'no longer fails';
  if (modes.some((mode) => mode.referenceEnded !== undefined)) return 'ended';
  return oursAlone === undefined ? 'agrees' : 'is not asked';
}

async function compareMode(
  given: Case,
  { session, sides, account }: CaseInSession,
): Promise<{ outcome: ModeOutcome; ended: boolean }> {
  const mode = sides.mode.name;
  const ours = within(given.topics, await session.published(sides.ours));
  const theirs = within(given.topics, await session.published(sides.theirs));
  const refusal = given.refusals.get(mode);
  const wrong = unexpectedEnd(ours.failure, refusal);
  if (refusal === undefined) {
    wrong.push(...brokenExpectations(given.expectations, { mode, records: ours.records }));
    wrong.push(...(await judgeCase(given, { session, sides, account, published: ours })));
  }
  const isKilled = given.steps.some(({ tag }) => tag === 'kill');
  const expected = isKilled ? withoutRepeats(theirs.records) : theirs.records;
  const referenceWrong =
    theirs.failure === undefined ? brokenExpectations(given.expectations, { mode, records: expected }) : [];
  const isStatedFailure = referenceWrong.length > 0 || theirs.failure !== undefined;
  const isExcused =
    [refusal, given.oursAlone, given.foldAlone].some((why) => why !== undefined) ||
    (given.referenceFails !== undefined && isStatedFailure);
  if (!isExcused)
    wrong.push(...referenceWrong.filter((what) => !wrong.includes(what)).map((what) => `reference: ${what}`));
  const differences = isExcused ? [] : compareTopics(ours.records, expected);
  const isAfterEnd = theirs.failure === undefined ? () => false : behindTheEnd(expected);
  const { undeclared, declared } = declaredOf(
    differences.filter((one) => !isAfterEnd(one)),
    { mode, ours, expected, account },
  );
  const records = ours.records.length;
  const outcome = {
    mode,
    undeclared,
    declared,
    wrong,
    referenceWrong,
    records,
    referenceEnded: theirs.failure,
  };
  // What is parked holds back whatever has its key, in the next case too.
  const isSpent = [ours.failure, theirs.failure].some((why) => why !== undefined) || ours.parked.length > 0;
  return { outcome, ended: isSpent };
}

interface BothPublished {
  readonly mode: ModeName;
  readonly ours: Published;
  readonly expected: readonly Observed[];
  readonly account: DatabaseAccount;
}

function declaredOf(
  differences: readonly Difference[],
  { mode, ours, expected, account }: BothPublished,
): Pick<ModeOutcome, 'undeclared' | 'declared'> {
  const undeclared: Finding[] = [];
  const declared: Record<string, number> = {};
  const types = columnTypes(account);
  const messages = positionsOfLoneMessages(expected);
  const streamed = streamedKeys(ours.records);
  const rekeyed = rekeyedTopics(account);
  const parked = new Set(
    ours.parked.flatMap(({ topic, place, key }) => [
      `${topic} ${place?.xid}`,
      `${topic} ${stringifyLossless(key)}`,
    ]),
  );
  const curtailed = curtailedKeys(differences, { ours, types });
  const known = { mode, messages, streamed, parked, rekeyed, curtailed };
  for (const difference of differences) {
    const column = columnOf(difference, types);
    const taken = declarationOf(difference, { ...known, column });
    if (taken === undefined) undeclared.push({ ...difference, type: column?.type });
    else declared[taken] = (declared[taken] ?? 0) + 1;
  }
  return { undeclared, declared };
}

/** Where the reference's keys lack a column of a type that it does not know: topics, and the transactions in them. */
function curtailedKeys(
  differences: readonly Difference[],
  { ours, types }: { ours: Published; types: ColumnTypes },
): ReadonlySet<string> {
  const lacks = (difference: Difference) => {
    const type = difference.path.startsWith('key.') ? columnOf(difference, types)?.type : undefined;
    return type !== undefined && difference.theirs === absent && !referenceKnows.test(type);
  };
  const topics = new Set(differences.filter(lacks).map(({ topic }) => topic));
  const changes = ours.records.filter(({ topic }) => topics.has(topic));
  return new Set([...topics, ...changes.map(({ place }) => place?.xid ?? '')]);
}

/** A reference that has ended lacks what comes after its last record, in whichever topic. */
function behindTheEnd(theirs: readonly Observed[]): (difference: Difference) => boolean {
  const positions = theirs.map(({ value }) => positionOf(value)).filter((lsn) => lsn !== undefined);
  const last = positions.toSorted((one, other) => (one < other ? -1 : 1)).at(-1) ?? 0n;
  return ({ theirs: other, path, pair }) => {
    if (path !== '' || other !== absent) return false;
    const position = positionOf(pair.ours?.value);
    return position === undefined || position >= last;
  };
}

function positionOf(value: unknown): bigint | undefined {
  const lsn = isObject(value) && isObject(value.source) ? value.source.lsn : undefined;
  return typeof lsn === 'number' || typeof lsn === 'bigint' ? BigInt(lsn) : undefined;
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

function within(topics: string, published: Published): Published {
  const { records, parked, failure } = published;
  const isWithin = ({ topic }: Observed) => topic.startsWith(topics);
  return { records: records.filter(isWithin), parked: parked.filter(isWithin), failure };
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
    // The BEGIN or END of a transaction that comes again may count anew.
    const what = topic === 'transaction' && isObject(value) ? value.status : value;
    const id = JSON.stringify([topic, key, what], bigints);
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
