/** Outcomes in words: a line for each case as it comes, differences readably below it. */
import { type Difference, show } from './compare.ts';
import type { CaseOutcome, ModeOutcome } from './run-case.ts';

/** Differences of one kind shown in full; the rest is counted. */
const shownMax = 12;

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
      return [head, ...outcome.modes.flatMap(describeMode)];
    }
  }
}

function describeMode({ mode, wrong, undeclared }: ModeOutcome): string[] {
  const lines = [...wrong, ...undeclared.map(describeDifference)].map((line) => `    ${mode}: ${line}`);
  const more = lines.length - shownMax;
  return more > 0 ? [...lines.slice(0, shownMax), `    ${mode}: and ${more} more`] : lines;
}

/** `s1.a, c at 29703296 {"pk":7}, value.after.n: ours "1.5", theirs {"scale":1,"value":"Dw=="}`. */
export function describeDifference({ topic, record, path, ours, theirs }: Difference): string {
  if (path !== '') return `${topic}, ${record}, ${path}: ours ${show(ours)}, theirs ${show(theirs)}`;
  return `${topic}, ${record}: ${typeof ours === 'symbol' ? 'ours has no such record' : 'theirs has no such record'}`;
}
