/** `npm run prove:packages`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { runProof } from '../arguments.ts';
import { provePackages } from './packages.ts';

const usage = `
npm run prove:packages -- [--keep] [--json]
  --keep   leave the tarballs, and the project they were installed in, where they are, and say where`;

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { values } = parseArgs({
      options: { keep: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    });
    const { json, ...args } = values;
    const startedAt = performance.now();
    const figures = await provePackages({ ...args, ...context });
    const verdict = {
      name: 'packages',
      args,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      figures: { ...figures },
      limits: { complaints: 0, failed: 0, typeErrors: 0 },
    };
    return { verdict, json, notes: [] };
  },
});
