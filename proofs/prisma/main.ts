/** `npm run prove:prisma`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { runProof } from '../arguments.ts';
import { provePrisma } from './prisma.ts';

const usage = `
npm run prove:prisma -- [--json]`;

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
    const startedAt = performance.now();
    const { versions, ...figures } = await provePrisma(context);
    const verdict = {
      name: 'prisma',
      args: {},
      versions,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      figures,
      limits: { appendedMissing: 0, conflictsMissing: 0, rollbacksMissing: 0 },
    };
    return { verdict, json: values.json, notes: [] };
  },
});
