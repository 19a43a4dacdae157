/** `npm run chaos`: docs/prove.md, docs/reliability.md. */
import { parseArgs } from 'node:util';
import type { Verdict } from '@diptych/runtime/verdict';
import { BadUse, number, type ProofContext, runProof } from '../arguments.ts';
import { chaos, type Outcome } from './chaos.ts';
import { neverDone } from './faults.ts';

const usage = `
npm run chaos -- [--seed N] [--minutes M] [--kills K] [--mode exactly-once|at-least-once] [--driver platformatic|kafkajs] [--json] [--keep]
  --seed      what random choices are made from (default: drawn)
  --minutes   how long things go wrong (default 2); draining and counting come after
  --kills     goes on, at most three times as long, until so many relays were killed and everything else went wrong too (default 0)
  --mode      the relays’ setting delivery; at least once repeats are counted, without a limit, and the rest holds of what came first
  --keep      leave the servers up until Ctrl-C, and print where they are`;

const exitsShownMax = 5;

function readArguments() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: 'string', default: '2' },
      kills: { type: 'string', default: '0' },
      mode: { type: 'string', default: 'exactly-once' },
      driver: { type: 'string', default: 'platformatic' },
      json: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  });
  const { mode, driver, json, keep } = values;
  const seed = number(values.seed, { option: 'seed', min: 0, max: 2 ** 32 });
  const minutes = number(values.minutes, { option: 'minutes', min: 0.1, max: 24 * 60, whole: false });
  const kills = number(values.kills, { option: 'kills', min: 0, max: 1_000_000 });
  if (mode !== 'exactly-once' && mode !== 'at-least-once') {
    throw new BadUse(`--mode takes exactly-once or at-least-once, not ${mode}`);
  }
  if (driver !== 'platformatic' && driver !== 'kafkajs') {
    throw new BadUse(`--driver takes platformatic or kafkajs, not ${driver}`);
  }
  return { seed, minutes, kills, mode, driver, json, keep } as const;
}

function verdictOf(
  { findings, faults, load, drained, drainSeconds, exits }: Outcome,
  { args, seconds }: { args: ReturnType<typeof readArguments>; seconds: number },
): Verdict {
  const { examples: _, ...counted } = findings;
  const { seed, minutes, kills, mode, driver } = args;
  return {
    name: 'chaos',
    args: { minutes, kills, mode, driver },
    seed,
    seconds,
    versions: { postgres: '18.4', kafka: '4.3.1' },
    figures: {
      ...counted,
      ...faults,
      missing: counted.committed - counted.received,
      undrained: drained ? 0 : 1,
      relayExits: exits.length,
      rolledBack: load.rolledBack,
      unanswered: load.failed,
      committedUnanswered: counted.committed - load.answered,
      idle: counted.committed === 0 ? 1 : 0,
      killsShort: Math.max(0, kills - faults.kills),
      neverWrong: kills === 0 ? [] : neverDone(faults),
      drainSeconds,
    },
    limits: {
      ...{ lost: 0, outOfOrder: 0, phantom: 0, stray: 0, missing: 0, undrained: 0, relayExits: 0 },
      ...{ idle: 0, killsShort: 0, neverWrong: 0 },
      ...(mode === 'exactly-once' ? { repeated: 0 } : {}),
    },
  };
}

process.exitCode = await runProof({
  usage,
  prove: async (context: ProofContext) => {
    const args = readArguments();
    const startedAt = performance.now();
    context.say(`seed ${args.seed}`);
    const outcome = await chaos({ ...args, ...context });
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    const notes = [
      ...outcome.findings.examples,
      // One relay that cannot go on ends again and again: the first ones say it.
      ...outcome.exits
        .slice(0, exitsShownMax)
        .map(({ name, code, lastLine }) => `relay ${name} ended by itself (exit ${code}): ${lastLine}`),
    ];
    return { verdict: verdictOf(outcome, { args, seconds }), json: args.json, notes };
  },
});
