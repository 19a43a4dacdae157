/** `npm run prove:doctor`: docs/doctor.md. */
import { parseArgs } from 'node:util';
import { runProof } from '../arguments.ts';
import { verdictOf } from './figures.ts';
import { proveDoctor } from './prove.ts';

const usage = `
npm run prove:doctor -- [--only WORDS] [--json]
  --only   faults whose name has one of these words, with commas between; then it proves nothing of the others`;

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { values } = parseArgs({
      options: { only: { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    const { only = null, json } = values;
    const startedAt = performance.now();
    const figures = await proveDoctor({ only, ...context });
    const verdict = {
      name: 'doctor',
      args: { only },
      seconds: Math.round(performance.now() - startedAt) / 1000,
      versions: {},
      ...verdictOf(figures, { isWhole: only === null }),
    };
    return { verdict, json, notes: [] };
  },
});
