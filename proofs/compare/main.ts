/** `npm run prove:compare`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { number, runProof } from '../arguments.ts';
import { proveCompare } from './compare.ts';

const usage = `
npm run prove:compare -- [--seed N] [--transactions N] [--leaks N] [--drifts N] [--kills N] [--live-seconds N] [--json]
  --seed           what the workload is drawn from (default 1)
  --transactions   that are written as fast as it goes, with what is to be found among them (default 200000)
  --leaks          transactions without an event among them (default 25)
  --drifts         aggregates whose two states part (default 10)
  --kills          of the relay and of the broker meanwhile, and then of the engine: so many each (default 3)
  --live-seconds   before that, at 1,000 transactions a second, with the engine following (default 20)`;

/** What the engine is held to (docs/prove.md). */
const limits = { lagMsMax: 2000, backlogSeconds: 60, peakRssBytes: 300e6 } as const;

function readArguments() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      transactions: { type: 'string', default: '200000' },
      leaks: { type: 'string', default: '25' },
      drifts: { type: 'string', default: '10' },
      kills: { type: 'string', default: '3' },
      'live-seconds': { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    seed: number(values.seed, { option: 'seed', min: 0, max: 2 ** 32 }),
    transactions: number(values.transactions, { option: 'transactions', min: 100, max: 100_000_000 }),
    leaks: number(values.leaks, { option: 'leaks', min: 0, max: 300 }),
    drifts: number(values.drifts, { option: 'drifts', min: 0, max: 1000 }),
    kills: number(values.kills, { option: 'kills', min: 0, max: 100 }),
    liveSeconds: number(values['live-seconds'], { option: 'live-seconds', min: 1, max: 3600 }),
    json: values.json,
  };
}

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { json, ...args } = readArguments();
    const startedAt = performance.now();
    const figures = await proveCompare({ ...args, ...context });
    const verdict = {
      name: 'compare',
      args,
      seed: args.seed,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      versions: {},
      figures: { ...figures },
      limits: { missed: 0, invented: 0, reportsDiffer: 0, unaskedExits: 0, ...limits },
    };
    return { verdict, json, notes: [] };
  },
});
