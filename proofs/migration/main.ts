/** `npm run prove:migration`: docs/prove.md and docs/migrate.md. */
import { parseArgs } from 'node:util';
import { runProof } from '../arguments.ts';
import { walk } from './walk.ts';

const usage = `
npm run prove:migration -- [--json]`;

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
    const startedAt = performance.now();
    const figures = await walk(context);
    const verdict = {
      name: 'migration',
      args: {},
      seconds: Math.round(performance.now() - startedAt) / 1000,
      figures: { ...figures },
      limits: { wrongGates: 0, unequal: 0 },
    };
    return { verdict, json: values.json, notes: [] };
  },
});
