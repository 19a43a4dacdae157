/** What a run comes to, as its last line says it (docs/prove.md). */
import type { CaseOutcome } from './run-case.ts';

/** `cases`: those that were run. */
export function figuresOf(outcomes: readonly CaseOutcome[]) {
  const run = outcomes.filter((outcome) => outcome.tag !== 'not-run');
  const modes = outcomes.flatMap((outcome) => (outcome.tag === 'run' ? outcome.modes : []));
  const passed = run.filter((outcome) => outcome.tag === 'run' && outcome.passed).length;
  return {
    cases: run.length,
    passed,
    failed: run.length - passed,
    undeclared: modes.reduce((sum, mode) => sum + mode.undeclared.length, 0),
    notRun: outcomes.length - run.length,
    records: modes.reduce((sum, mode) => sum + mode.records, 0),
    referenceStillFails: outcomes.filter((one) => one.tag === 'run' && one.reference === 'still fails')
      .length,
    referenceEnded: modes.filter(({ referenceEnded }) => referenceEnded !== undefined).length,
  };
}
