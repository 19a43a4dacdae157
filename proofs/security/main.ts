/** `npm run prove:security`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { runProof } from '../arguments.ts';
import { proveSecurity } from './security.ts';

const usage = `
npm run prove:security -- [--only TEXT] [--json]
  --only   what has this in its name, for instance kafka`;

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { values } = parseArgs({
      options: { only: { type: 'string', default: '' }, json: { type: 'boolean', default: false } },
    });
    const { only } = values;
    const startedAt = performance.now();
    const { wrong, leaks, ...counted } = await proveSecurity({ ...context, only });
    const verdict = {
      name: 'security',
      args: { only },
      seed: null,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      versions: {},
      figures: { ...counted, wrong: wrong.length, leaks: leaks.length },
      limits: { wrong: 0, leaks: 0 },
    };
    return { verdict, json: values.json, notes: leaks.map((leak) => `a secret: ${leak}`) };
  },
});
