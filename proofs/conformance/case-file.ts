/**
 * A case is a file of SQL. Its first comment is its title; marks are comments of a form of their own:
 *
 *     -- C-06: a key change is delete, tombstone and create     the title
 *     -- relay: DIPTYCH_NAME=value                               a setting of ours; the case gets servers' sessions of its own
 *     -- connector: name=value                                   the same of Debezium's connector
 *     -- router: name=value                                      an option of the outbox router, for both sides
 *     -- needs: change.messages                                  a setting that the relay must know
 *     -- extension: hstore                                       an extension that the server must have
 *     -- reference fails: reason                                 [±]: Debezium is known not to do what is expected
 *     -- ours refuses[debezium]: value-not-representable          the error that our side has to end with in that mode
 *     -- topics: outbox.event.                                  only topics that begin so are compared
 *     -- ours alone: reason                                       nothing to compare with
 *     -- not yet: reason, -- not run: reason                       it is counted, and not run
 *     -- expect s1.a: {"key":{"pk":1},"op":"c"}                  the next record of that topic, in part; `[exact]` after
 *                                                                `expect` limits it to a mode
 *     -- expect some s1.a: {"op":"m"}                            there are records in that topic, and all of them are so
 *     -- until: select …                                         waits until this gives true, on the oracle's connection
 *     -- begin                                                   both sides start here, not at the first statement
 *     -- stop, -- start, -- restart, -- kill, -- wait            what happens to both sides between statements
 *     -- drop slots, -- recreate slots                           of both sides, which are stopped
 *     -- snapshot mode: initial                                  `snapshot.mode` of both sides
 *     -- snapshot tables: s1.*, -- snapshot where: s1.a: pk > 2  what is read then
 *     -- snapshot: s1.a, s1.b where pk > 2                       both are asked to read tables beside the stream
 *     -- snapshot pause, resume, stop, stop: s1.a, done          the same; `done` waits until both have read them
 *     -- fold alone: reason                                      what is read and what is streamed differs by chance: of each
 *                                                                side the folded records have to be the table, each row once
 *     -- as name                                                 the following statements on a connection of that name
 *     -- meanwhile                                               nobody waits for the next statement, but its connection
 *     -- may fail                                                the next statement may be refused by the server
 */

import type { RelaySettings } from '@diptych/testkit/relay-process';
import { BadUse } from '../arguments.ts';
import type { ConnectorConfiguration } from './connect.ts';
import type { ModeName } from './modes.ts';
import { routerOfOurs, routerOfTheirs } from './router-option.ts';
import { type SnapshotStep, snapshotOptions, snapshotStepOf } from './snapshot-option.ts';
import { splitStatements } from './statements.ts';

export type Step =
  | {
      readonly tag: 'statement';
      readonly sql: string;
      readonly connection: string;
      readonly mayFail: boolean;
      /** Nobody waits for it. */
      readonly isMeanwhile?: boolean;
    }
  | { readonly tag: 'until'; readonly sql: string }
  | SnapshotStep
  | { readonly tag: SimpleStep };

type SimpleStep = 'stop' | 'start' | 'restart' | 'kill' | 'wait' | 'drop slots' | 'recreate slots';

export interface Expectation {
  readonly modes: readonly ModeName[];
  readonly topic: string;
  /** Whether all records of the topic are so, of which there is one at least; else it is the next one. */
  readonly isOfAll: boolean;
  /**
   * A part of the record: `key`, `headers`, `value` (null: a tombstone), fields of the value; or its `partition` and
   * `timestamp` (milliseconds), which are compared nowhere else.
   */
  readonly record: Readonly<Record<string, unknown>>;
}

export interface Case {
  /** `C-06-key-change`: the name of its file. */
  readonly name: string;
  readonly title: string;
  readonly relay: RelaySettings;
  readonly connector: ConnectorConfiguration;
  readonly needs: readonly string[];
  readonly extensions: readonly string[];
  /** What both sides read by themselves; undefined where the script has nothing to do with snapshots. */
  readonly snapshots: SnapshotUse | undefined;
  /** Why records cannot be compared one by one. */
  readonly foldAlone: string | undefined;
  /** Why it is not run: yet, or because something else shows it. */
  readonly notRun: string | undefined;
  /** In which mode our side has to refuse, and with which code. */
  readonly refusals: ReadonlyMap<string, string>;
  /** Only topics that begin so are compared. */
  readonly topics: string;
  /** Why there is nothing to compare with. */
  readonly oursAlone: string | undefined;
  /** Why Debezium does not do what is expected; undefined where it is the reference. */
  readonly referenceFails: string | undefined;
  readonly expectations: readonly Expectation[];
  /** Before either side exists. */
  readonly preparation: readonly Step[];
  readonly steps: readonly Step[];
}

export interface SnapshotUse {
  readonly mode: string;
  /** The reference is not asked to read beside its stream. */
  readonly isOursAlone: boolean;
  /** Tables of which rows are left out by a condition, `schema.table`. */
  readonly partial: ReadonlySet<string>;
}

const mark =
  /^--\s*(stop|start|restart|kill|wait|begin|may fail|meanwhile|drop slots|recreate slots|as\s+\w+)\s*$/;
const until = /^--\s*until:\s*(.*)$/;
const option =
  /^--\s*(relay|connector|router|needs|extension|topics|not yet|not run|ours alone|fold alone|reference fails|snapshot mode|snapshot tables|snapshot where):\s*(.*)$/;
const refusal = /^--\s*ours refuses\[(exact|debezium)\]:\s*(\S+)\s*$/;
const expectation = /^--\s*expect(?:\[(exact|debezium)\])?(\s+some)?\s+(\S+?):\s*(\{.*\})\s*$/;

/** Throws BadUse that names the line that cannot be read. */
export function parseCase(name: string, text: string): Case {
  const options = new Map<string, string[]>();
  const expectations: Expectation[] = [];
  const refusals = new Map<string, string>();
  const lines = text.split('\n');
  for (const line of lines) {
    const [, refusingMode, code] = refusal.exec(line) ?? [];
    if (refusingMode !== undefined && code !== undefined) refusals.set(refusingMode, code);
    const [, optionName = '', value = ''] = option.exec(line) ?? [];
    if (optionName) options.set(optionName, [...(options.get(optionName) ?? []), value.trim()]);
    else if (/^--\s*expect\b/.test(line)) expectations.push(parseExpectation(name, line));
  }
  const of = (key: string) => options.get(key) ?? [];
  const [preparation, steps] = parseSteps(lines);
  const asked = [...preparation, ...steps].filter(({ tag }) => tag.startsWith('snapshot'));
  const marks = {
    mode: of('snapshot mode')[0],
    tables: of('snapshot tables')[0],
    where: of('snapshot where'),
  };
  const snapshots = snapshotOptions({ ...marks, isAsked: asked.length > 0 });
  const router = options.has('router') ? assignments(of('router').filter((text) => text !== '')) : undefined;
  return {
    name,
    title: (/^--\s*(.*)$/.exec(lines[0] ?? '')?.[1] ?? name).replace(/^C-\d+:\s*/, ''),
    relay: {
      ...(router && routerOfOurs(router)),
      ...snapshots?.relay,
      ...(assignments(of('relay')) as RelaySettings),
    },
    connector: {
      ...(router && routerOfTheirs(router)),
      ...snapshots?.connector,
      ...assignments(of('connector')),
    },
    snapshots: snapshots && {
      mode: marks.mode ?? 'no_data',
      isOursAlone: options.has('ours alone'),
      partial: partialTables(marks.where, asked),
    },
    foldAlone: of('fold alone')[0],
    needs: of('needs'),
    extensions: of('extension'),
    notRun: of('not yet')[0] ?? of('not run')[0],
    refusals,
    topics: of('topics')[0] ?? '',
    oursAlone: of('ours alone')[0],
    referenceFails: of('reference fails')[0],
    expectations,
    preparation,
    steps,
  };
}

/** Those that are read by a condition, or not to their end. */
function partialTables(where: readonly string[], asked: readonly Step[]): ReadonlySet<string> {
  const named = where.map((text) => text.split(':')[0] ?? '');
  const read = asked.flatMap((step) => {
    if (step.tag === 'snapshot-stop') return step.tables.length > 0 ? step.tables : ['*'];
    return step.tag === 'snapshot' && step.where !== null ? step.tables : [];
  });
  return new Set([...named, ...read]);
}

function parseExpectation(name: string, line: string): Expectation {
  const [, mode, some, topic = '', json = ''] = expectation.exec(line) ?? [];
  if (!topic) throw new BadUse(`${name}: this is no expectation: ${line}`);
  try {
    const record = JSON.parse(json) as Record<string, unknown>;
    const modes: readonly ModeName[] = mode ? [mode as ModeName] : ['exact', 'debezium'];
    return { modes, topic, record, isOfAll: some !== undefined };
  } catch {
    throw new BadUse(`${name}: what is expected is not JSON: ${json}`);
  }
}

function assignments(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new BadUse(`this is not name=value: ${text}`);
      return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
    }),
  );
}

/** What comes before the mark `begin`, and what comes after it; without one everything comes after. */
function parseSteps(lines: readonly string[]): [Step[], Step[]] {
  let preparation: Step[] = [];
  let steps: Step[] = [];
  let sql: string[] = [];
  let connection = 'main';
  let mayFail = false;
  let isMeanwhile = false;
  const flush = () => {
    for (const statement of splitStatements(sql.join('\n'))) {
      const step = { tag: 'statement', sql: statement, connection, mayFail } as const;
      steps.push(isMeanwhile ? { ...step, isMeanwhile } : step);
      mayFail = false;
      isMeanwhile = false;
    }
    sql = [];
  };
  for (const line of lines) {
    const found = mark.exec(line)?.[1];
    const condition = until.exec(line)?.[1];
    const snapshot = /^--\s*snapshot\b/.test(line);
    if (found === undefined && condition === undefined && !snapshot) {
      sql.push(line);
      continue;
    }
    flush();
    if (condition !== undefined) steps.push({ tag: 'until', sql: condition });
    else if (found?.startsWith('as')) connection = found.slice(2).trim();
    else if (found === 'may fail') mayFail = true;
    else if (found === 'meanwhile') isMeanwhile = true;
    else if (found === 'begin') {
      preparation = steps;
      steps = [];
    } else if (found !== undefined) steps.push({ tag: found as SimpleStep });
    else {
      const step = snapshotStepOf(line, mayFail);
      if (step) mayFail = false;
      steps.push(...(step ? [step] : []));
    }
  }
  flush();
  return [preparation, steps];
}
