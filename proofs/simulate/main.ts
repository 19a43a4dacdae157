/** `npm run simulate`: the delivery state machine against modelled Postgres, Kafka, network and clocks (docs/prove.md). */
import { parseArgs } from 'node:util';
import type { DeliveryMode } from '@diptych/delivery/protocol';
import type { Verdict } from '@diptych/runtime/verdict';
import { BadUse, number, type ProofContext, runProof } from '../arguments.ts';
import { type BrokenSchedule, runCampaign } from './campaign.ts';
import { type Mutant, mutants, original } from './mutants.ts';
import { drawPlan } from './plan.ts';
import { runSchedule } from './schedule.ts';
import { smallerPlan } from './smaller-plan.ts';

const usage = `usage: npm run simulate -- [--seed N] [--schedules 100000] [--mode exactly-once|at-least-once] [--mutant NAME] [--json]
mutants:
${Object.entries(mutants)
  .map(([name, { wrong }]) => `  ${name}: ${wrong}`)
  .join('\n')}`;

/** Without a mutant each one is a bug and a few may be different ones; a mutant is caught once. */
const brokenMax = 5;
const traceLinesMax = 60;

interface Arguments {
  readonly seed: number;
  readonly schedules: number;
  readonly mode: DeliveryMode;
  readonly mutant: string | null;
  readonly json: boolean;
}

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const args = readArguments();
    const { verdict, notes } = await simulate(args, context);
    return { verdict, notes, json: args.json };
  },
});

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      schedules: { type: 'string', default: '100000' },
      mode: { type: 'string' },
      mutant: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const mutant = values.mutant ?? null;
  if (mutant !== null && !Object.hasOwn(mutants, mutant)) throw new BadUse(`--mutant ${mutant} is not known`);
  return {
    seed: number(values.seed, { option: 'seed', min: 0, max: 2 ** 32 - 1 }),
    schedules: number(values.schedules, { option: 'schedules', min: 1, max: 1e9 }),
    mode: modeOf(values.mode, mutant),
    mutant,
    json: values.json,
  };
}

/** A mutant is run where it is wrong, unless it is said otherwise. */
function modeOf(asked: string | undefined, mutant: string | null): DeliveryMode {
  const mode = asked ?? mutants[mutant ?? '']?.modes[0] ?? 'exactly-once';
  if (mode === 'exactly-once' || mode === 'at-least-once') return mode;
  throw new BadUse(`--mode takes exactly-once or at-least-once, not ${mode}`);
}

async function simulate(
  { seed, schedules, mode, mutant }: Arguments,
  { say, signal }: ProofContext,
): Promise<{ verdict: Verdict; notes: readonly string[] }> {
  const startedAt = performance.now();
  const rules = (mutant === null ? undefined : mutants[mutant]) ?? original;
  const result = await runCampaign({
    seed,
    schedules,
    delivery: mode,
    rules,
    signal,
    brokenMax: mutant === null ? brokenMax : 1,
    onProgress: ({ done, broken }) => say(`${done} of ${schedules} schedules, ${broken} broken`, 'moving'),
  });
  const { broken, coverage } = result;
  const [first] = broken;
  const verdict = {
    name: 'simulate',
    seed,
    args: { schedules, mode, mutant },
    seconds: Math.round(performance.now() - startedAt) / 1000,
    versions: {},
    figures: { schedules: result.schedules, violations: broken.length, mutant, broken, coverage },
    limits: { violations: 0, broken: 0 },
  };
  return { verdict, notes: first ? explain(first, { mode, mutant, rules }) : [] };
}

/** The broken promise, how to see it again, and what happened in the smallest schedule that breaks it. */
function explain(
  { seed, promise, expected, got }: BrokenSchedule,
  { mode, mutant, rules }: { mode: DeliveryMode; mutant: string | null; rules: Mutant },
): string[] {
  const plan = smallerPlan(drawPlan(seed, mode), rules);
  const { trace } = runSchedule(plan, { rules, traced: true });
  const again = `npm run simulate -- --seed ${seed} --schedules 1 --mode ${mode}${mutant === null ? '' : ` --mutant ${mutant}`}`;
  const size = `${plan.relays} relays, ${plan.writes.length} writes, ${plan.faults.length} planned faults`;
  return [
    `seed ${seed} breaks ${promise}: expected ${expected}, got ${got}`,
    `again: ${again}`,
    `made smaller (${size}), its last ${Math.min(trace.length, traceLinesMax)} steps:`,
    ...trace.slice(-traceLinesMax),
  ];
}
