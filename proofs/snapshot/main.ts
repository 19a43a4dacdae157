/** `npm run prove:snapshot`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { number, runProof } from '../arguments.ts';
import { proveSnapshot } from './snapshot.ts';

const usage = `
npm run prove:snapshot -- [--rows N] [--writes-per-second N] [--kills N] [--json]
  --rows                rows of each of two tables: one is read before the stream begins, one beside it (default 200000)
  --writes-per-second   into both tables, all the while (default 500)
  --kills               how often the relay is killed while it reads (default 3)`;

const peakRssBytesMax = 300e6;

function readArguments() {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '200000' },
      'writes-per-second': { type: 'string', default: '500' },
      kills: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    rows: number(values.rows, { option: 'rows', min: 100, max: 100_000_000 }),
    writesPerSecond: number(values['writes-per-second'], {
      option: 'writes-per-second',
      min: 0,
      max: 100_000,
    }),
    kills: number(values.kills, { option: 'kills', min: 0, max: 100 }),
    json: values.json,
  };
}

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { json, ...args } = readArguments();
    const startedAt = performance.now();
    const { kills, ...counted } = await proveSnapshot({ ...args, ...context, random: Math.random });
    const verdict = {
      name: 'snapshot',
      args,
      seed: null,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      versions: {},
      figures: { rows: args.rows, kills, ...counted, killsMissed: args.kills - kills },
      limits: { mismatches: 0, repeated: 0, killsMissed: 0, unaskedExits: 0, peakRssBytes: peakRssBytesMax },
    };
    return { verdict, json, notes: [] };
  },
});
