/** Many schedules, one after another, until the number asked for or enough broken ones. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DeliveryMode } from '@diptych/delivery/protocol';
import type { Mutant } from './mutants.ts';
import { drawPlan } from './plan.ts';
import { scheduleSeed } from './random.ts';
import { runSchedule } from './schedule.ts';
import { type Coverage, noCoverage, type PromiseName } from './world.ts';

export interface BrokenSchedule {
  /** Runs this schedule alone: `--seed <seed> --schedules 1`. */
  readonly seed: number;
  readonly promise: PromiseName;
  readonly expected: string;
  readonly got: string;
}

export interface CampaignResult {
  readonly schedules: number;
  readonly broken: readonly BrokenSchedule[];
  readonly coverage: Coverage;
}

export interface CampaignOptions {
  readonly seed: number;
  readonly schedules: number;
  readonly delivery: DeliveryMode;
  readonly rules: Mutant;
  /** After so many broken schedules it ends: more say nothing new. */
  readonly brokenMax: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly broken: number }) => void;
}

/** Between two looks at signals and terminal: about 100 ms. */
const schedulesPerTurn = 500;

/** Runs them. Throws the signal's reason when it aborts. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, schedules, delivery, rules, brokenMax, signal, onProgress } = options;
  const coverage = { ...noCoverage };
  const broken: BrokenSchedule[] = [];
  let done = 0;
  while (done < schedules && broken.length < brokenMax) {
    const one = scheduleSeed(seed, done);
    const result = runSchedule(drawPlan(one, delivery), { rules, traced: false });
    add(coverage, result.coverage);
    if (result.breach) broken.push({ seed: one, ...result.breach });
    done += 1;
    if (done % schedulesPerTurn !== 0) continue;
    onProgress?.({ done, broken: broken.length });
    await nextTurn();
    signal?.throwIfAborted();
  }
  return { schedules: done, broken, coverage };
}

function add(sum: Coverage, more: Coverage): void {
  for (const what of Object.keys(sum) as (keyof Coverage)[]) sum[what] += more[what];
}
