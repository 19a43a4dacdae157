/** A failing plan made smaller: whatever can be left out while the same promise still breaks is left out. */
import type { Mutant } from './mutants.ts';
import type { Plan } from './plan.ts';
import { runSchedule } from './schedule.ts';

/** Bounds the work: a schedule that does not come to rest takes some milliseconds. */
const attemptsMax = 600;

export function smallerPlan(plan: Plan, rules: Mutant): Plan {
  const promise = runSchedule(plan, { rules, traced: false }).breach?.promise;
  let smallest = plan;
  let attempts = 0;
  for (let improved = true; improved && attempts < attemptsMax; ) {
    improved = false;
    for (const candidate of candidates(smallest)) {
      attempts += 1;
      if (attempts > attemptsMax) break;
      if (runSchedule(candidate, { rules, traced: false }).breach?.promise !== promise) continue;
      smallest = candidate;
      improved = true;
      break;
    }
  }
  return smallest;
}

/** Boldest first. */
function* candidates(plan: Plan): Generator<Plan> {
  for (const chance of ['lossPerRequest', 'slowPerRequest', 'deathPerAction', 'upsetPerTurn'] as const) {
    if (plan[chance] > 0) yield { ...plan, [chance]: 0 };
  }
  if (plan.relays > 1) yield { ...plan, relays: plan.relays - 1 };
  for (const size of [8, 4, 2, 1]) {
    for (let place = 0; place + size <= plan.writes.length; place += size) {
      yield { ...plan, writes: plan.writes.toSpliced(place, size) };
    }
  }
  for (const index of plan.faults.keys()) yield { ...plan, faults: plan.faults.toSpliced(index, 1) };
}
