/** `docs/conformance.md`: how the comparison is made, and the table of what came of it, written by the run. */
import { declared } from './declared.ts';
import { type CaseOutcome, lacksExtension } from './run-case.ts';

export interface Results {
  readonly outcomes: readonly CaseOutcome[];
  readonly modes: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  /** The day of the run, `2026-11-21`. */
  readonly day: string;
}

/** The rows of a page that was written before, by the names of their cases. */
export function rowsOf(page: string): ReadonlyMap<string, string> {
  return new Map(page.split('\n').flatMap((line) => (isRow(line) ? [[nameOf(line), line] as const] : [])));
}

const isRow = (line: string): boolean => /^\| C-\d/.test(line);
const nameOf = (line: string): string => line.split(' | ')[0]?.slice(2) ?? '';

/** C-9 before C-10. */
export const byNumber = new Intl.Collator('en', { numeric: true }).compare;

/** The whole page. `kept`: rows of cases that were not among those of this run, or for which this server has no extension. */
export function resultsPage(
  { outcomes, modes, versions, day }: Results,
  kept: ReadonlyMap<string, string> = new Map(),
): string {
  const isKept = (outcome: CaseOutcome) =>
    outcome.tag === 'not-run' && outcome.why.startsWith(lacksExtension) && kept.has(outcome.name);
  const told = outcomes.filter((outcome) => !isKept(outcome));
  const rows = new Map([...kept, ...told.map((outcome) => [outcome.name, row(outcome)] as const)]);
  const table = [...rows].toSorted(([a], [b]) => byNumber(a, b)).map(([, line]) => line);
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    ...introduction,
    '## Differences that are meant',
    '`proofs/conformance/declared*.ts` hold them as predicates; any other difference fails the run.',
    '',
    '| name | modes | why |',
    '|---|---|---|',
    ...declared.map((one) => `| ${one.name} | ${one.modes.join(', ')} | ${cell(one.reason)} |`),
    '',
    '## Results',
    `Written by \`npm run conformance -- --write\` on ${day}: ${named.join(', ')}; modes: ${modes.join(', ')}. ${countsOf(table)}`,
    '',
    '| case | what | result | reference |',
    '|---|---|---|---|',
    ...table,
    '',
  ].join('\n');
}

function countsOf(rows: readonly string[]): string {
  const run = rows.filter((line) => line.split(' | ')[2] !== 'not run');
  const passed = run.filter((line) => line.split(' | ')[2] === 'passed');
  return `${run.length} cases were run, ${passed.length} passed; ${rows.length - run.length} were not run.`;
}

function row(outcome: CaseOutcome): string {
  const { name, title } = outcome;
  const cells = (result: string, reference: string) =>
    `| ${name} | ${cell(title)} | ${cell(result)} | ${cell(reference)} |`;
  if (outcome.tag !== 'run') return cells(outcome.tag === 'broken' ? '**broken**' : 'not run', outcome.why);
  const { passed, modes, reference, why } = outcome;
  const wrong = modes.reduce((sum, mode) => sum + mode.undeclared.length + mode.wrong.length, 0);
  const names = new Set(modes.flatMap((mode) => Object.keys(mode.declared)));
  const said = why === undefined ? reference : `${reference}: ${why}`;
  const differs = reference === 'agrees' && names.size > 0 ? `differs: ${[...names].join(', ')}` : said;
  return cells(passed ? 'passed' : `**${wrong} differences**`, differs);
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const introduction = [
  '# Conformance',
  '',
  'Diptych and Debezium read the same database, each with a slot and topics of its own, and what they publish is compared record by',
  'record: key, value, headers, order. This page is written by the run.',
  '',
  '```sh',
  'npm run conformance                                   # all cases',
  'npm run conformance -- --case C-23                    # those whose name begins so; may be repeated',
  'npm run conformance -- --sql mine.sql                 # any script of statements, with the marks below',
  'npm run conformance -- --random --seed 7 --statements 5000',
  'npm run conformance -- --random --seed 1 --seeds 10    # ten scripts, one after the other',
  'npm run conformance -- --json                         # one line at the end (wire.md, "What scripts print")',
  '```',
  'It needs Java 17 and Maven besides a stack (README), and fetches Kafka Connect and Debezium from Maven Central once, about 45 MB.',
  'Cases of extensions that neither Postgres nor its contrib has (PostGIS, pgvector) run on an image that has them, in the containers',
  'stack: `docker build -t diptych-postgres-extensions proofs/conformance/extensions`, then with `DIPTYCH_STACK=containers` and',
  '`DIPTYCH_POSTGRES_IMAGE=diptych-postgres-extensions` `npm run conformance -- --case C-49 --case C-50 --write`, which leaves the other rows.',
  'Exit code 0: no undeclared difference; 1: some; 2: bad use; 4: the world did not let it begin.',
  '',
  '## How it is judged',
  '- **The database first.** Triggers write each row change, `column::text`, in its own transaction to an unlogged table, which no slot',
  '  sees. Each value of ours, in whichever form the mode has, is given back to Postgres as the type of its column and has to be that text; no',
  '  change may be missing or besides; all change events and rows that were read, folded by key, have to be the table. (Of `timetz` the time in',
  '  UTC; what a form gives up, as zeros behind a decimal without a scale, is not asked for.)',
  '- **Debezium second**, for shape, order and headers, in two modes: `exact`, our defaults and logical messages against',
  '  `decimal.handling.mode=string`, `time.precision.mode=isostring`, `interval.handling.mode=string`, `hstore.handling.mode=map`,',
  '  `skipped.operations=none`; `debezium`, `change.compat: debezium` against its defaults. A mode whose setting the relay does not have is not run.',
  '- Not compared: headers `diptych-*` and `__debezium.context.*`, `source.version`, `source.name`, the envelope’s own `ts_*`,',
  '  `transaction.id` but for its xid.',
  '- Where Debezium loses, invents or hides something, the case states what is right (`expect`), and the run shows live whether it still',
  '  does: "still fails" or "no longer fails", and in what. Of such a case only what is expected is held against us. Where it ends by itself,',
  '  the run says so ("the reference failed here"), and from there on the database alone judges.',
  '- The cases of the outbox (C-103 to C-116) are judged by the Outbox Event Router itself: its options, which both sides are given',
  '  (`-- router:`), have one meaning, and records have one key, value, partition, timestamp and set of headers. Where we mean something',
  '  else is told, row by row, in [outbox.md](outbox.md#tables-of-your-own-routed-as-debezium-would).',
  '- What a snapshot read beside the stream stands in it by chance: rows with `op` `r` are compared with each other by their keys, and the',
  '  fold shows that they stand where they may. The reference is asked by its signal table, ours by `diptych snapshot`.',
  '- Tables that `change.include` and `change.exclude` leave out are not asked for; with `change.partitions: root` the rows of partitions are',
  '  judged as those of their table, without its fold. Columns that a case masks, hashes, cuts or leaves out are judged by Debezium alone.',
  '- A value without a form in Debezium’s defaults is set aside (`change.onPoison: park` in that mode); the rest is compared.',
  '- A random script (`--random`) holds all types, contrib’s among them, and is written to eight tables that change: transactions that run at the',
  '  same time, savepoints, upserts, key changes, truncates, logical messages, DDL, restarts. How many statements the server refused is said.',
  '- `npm run conformance:flink` lets Apache Flink read the change topics ([prove.md](prove.md)).',
  '- Both have passed a case when two marker rows, the second written after the first was seen, are in their topics. No sleeps.',
  '',
  '## Marks of a script',
  'Statements are sent one by one, as psql does. `-- stop`, `-- start`, `-- restart` (in an orderly way), `-- kill` (SIGKILL to relay and',
  'Connect worker, then started again) and `-- wait` (until both have published everything) happen to both; `-- as NAME` sends what follows',
  'on a connection of that name; `-- may fail` lets the next statement be refused; what stands before `-- begin` is there before either side',
  'is. `-- relay: DIPTYCH_…=value` and `-- connector: name=value` set options; `-- expect s1.t: {"key":{"pk":1},"op":"c"}` says what the next',
  'record of a topic is, in part, `-- expect some …` what all records of it are; `-- ours refuses[debezium]: code` that our side has to end with',
  'that error in that mode; `-- router: name=value` gives both sides an option of the outbox router; `-- until: select …` waits until that is true.',
  '`-- meanwhile`: nobody waits for the next statement. `-- drop slots`, `-- recreate slots`: of both, which are stopped.',
  '',
  'Snapshots: `-- snapshot mode: initial`, `-- snapshot tables: s1.*` and `-- snapshot where: s1.t: pk > 2` say what both read when they begin;',
  '`-- snapshot: s1.t, s1.u` or `-- snapshot: s1.t where pk > 2` asks both to read tables beside the stream, `-- snapshot pause`, `resume`, `stop`,',
  '`stop: s1.t` likewise; `-- snapshot done` waits until both have. `-- fold alone: reason`: where what is read and what is streamed is chance,',
  'the folded records of ours have to be the table, with each row once. `proofs/conformance/cases` has examples of all.',
  '',
] as const;
