/** `npm run prove:takeover`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { spread } from '@diptych/runtime/verdict';
import { number, runProof } from '../arguments.ts';
import { measureTakeovers } from './takeover.ts';

const usage = `
npm run prove:takeover -- [--kills N] [--stops N] [--seed N] [--json]
  --kills   how often the relay that holds the slot is killed with SIGKILL (default 50)
  --stops   how often it is frozen with SIGSTOP instead, about 11 s each (default 5)
  --seed    what the moments are drawn from (default 1)`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '50' },
      stops: { type: 'string', default: '5' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    kills: number(values.kills, { option: 'kills', min: 1, max: 10_000 }),
    stops: number(values.stops, { option: 'stops', min: 0, max: 10_000 }),
    seed: number(values.seed, { option: 'seed', min: 0, max: 2 ** 32 }),
    json: values.json,
  };
}

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { json, seed, ...args } = readArguments();
    const startedAt = performance.now();
    const { kills, stops } = await measureTakeovers({ ...args, seed, ...context });
    const afterStop = {
      takeoverAfterStopMs: spread(stops.map(({ takeoverMs }) => takeoverMs)),
      stopToPublishMs: spread(stops.map(({ publishMs }) => publishMs)),
    };
    const verdict = {
      name: 'takeover',
      args,
      seed,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      versions: {},
      figures: {
        kills: kills.length,
        takeoverMs: spread(kills.map(({ takeoverMs }) => takeoverMs)),
        killToPublishMs: spread(kills.map(({ publishMs }) => publishMs)),
        stops: stops.length,
        ...(stops.length > 0 ? afterStop : {}),
      },
      limits: {
        'takeoverMs.max': 5000,
        'killToPublishMs.p50': 500,
        ...(stops.length > 0 ? { 'takeoverAfterStopMs.max': 15_000 } : {}),
      },
    };
    return { verdict, json, notes: [] };
  },
});
