/** Outcomes in words: a line for each case as it comes, differences readably below it. */
import { show } from './compare.ts';
import type { CaseOutcome, Finding, ModeOutcome } from './run-case.ts';

/** Kinds of differences, and things that are wrong, that are shown of a case; the rest is counted. */
const shownMax = 20;

/** The lines that a person reads of one outcome. */
export function describeOutcome(outcome: CaseOutcome): string[] {
  const { name, title } = outcome;
  switch (outcome.tag) {
    case 'not-run':
      return [`– ${name}: not run: ${outcome.why}`];
    case 'broken':
      return [`✗ ${name}: ${outcome.why}`];
    case 'run': {
      const reference = outcome.reference === 'agrees' ? '' : ` (the reference ${outcome.reference})`;
      const mark = outcome.passed ? '✓' : '✗';
      const head = `${mark} ${name}: ${title}${reference} (${outcome.seconds.toFixed(1)} s)`;
      return [head, ...describeRefused(outcome.refused), ...outcome.modes.flatMap(describeMode)];
    }
  }
}

/** A script that the server mostly refuses shows nothing. */
function describeRefused(refused: ReadonlyMap<string, number>): string[] {
  const total = [...refused.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return [];
  const commonest = [...refused]
    .toSorted(([, a], [, b]) => b - a)
    .map(([what, count]) => `${count} × ${what}`);
  return [`    the server refused ${total} statements:`, ...atMost(commonest).map((line) => `      ${line}`)];
}

function describeMode({ mode, wrong, undeclared, referenceEnded }: ModeOutcome): string[] {
  const kinds = [...Map.groupBy(undeclared, kindOf).values()].flatMap(describeKind);
  const ended =
    referenceEnded === undefined
      ? []
      : [`the reference failed here: ${brief(referenceEnded)}; the database alone judges`];
  return [...ended, ...atMost(wrong), ...atMost(kinds)].map((line) => `    ${mode}: ${line}`);
}

const causeMax = 200;
const brief = (cause: string): string => (cause.length > causeMax ? `${cause.slice(0, causeMax)}…` : cause);

function atMost(lines: readonly string[]): string[] {
  const more = lines.length - shownMax;
  return more > 0 ? [...lines.slice(0, shownMax), `and ${more} more`] : [...lines];
}

/** Differences in columns of one type are one finding, however many rows have it; others go by their place. */
function kindOf({ path, type, ours, theirs }: Finding): string {
  const forms = `${typeof ours} ${typeof theirs}`;
  return type === undefined ? `${path.replace(/\[\d+\]/g, '')} ${forms}` : `${type} ${forms}`;
}

function describeKind(findings: readonly Finding[]): string[] {
  const [first] = findings;
  if (first === undefined) return [];
  const others = findings.length > 1 ? ` (and ${findings.length - 1} more like it)` : '';
  return [`${describeDifference(first)}${others}`];
}

/** `s1.a, c at 29703296 {"pk":7}, value.after.n (numeric): ours "1.5", theirs {"scale":1,"value":"Dw=="}`. */
export function describeDifference({ topic, record, path, type, ours, theirs }: Finding): string {
  const place = type === undefined ? path : `${path} (${type})`;
  if (path !== '') return `${topic}, ${record}, ${place}: ours ${show(ours)}, theirs ${show(theirs)}`;
  return `${topic}, ${record}: ${typeof ours === 'symbol' ? 'ours has no such record' : 'theirs has no such record'}`;
}
