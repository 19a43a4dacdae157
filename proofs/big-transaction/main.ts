/** `npm run prove:big-transaction`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { number, runProof } from '../arguments.ts';
import { bigTransaction, events } from './big-transaction.ts';

const usage = `
npm run prove:big-transaction -- [--rows N] [--kills N] [--node-argument=…] [--json]
  --rows            rows of the one transaction, one event for ten of them (default 1000000)
  --kills           how often the relay is killed in it (default 1)
  --node-argument   given to the relay's Node, for instance --max-semi-space-size=8; may be repeated`;

const peakRssBytesMax = 300e6;

function readArguments() {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '1000000' },
      kills: { type: 'string', default: '1' },
      'node-argument': { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    rows: number(values.rows, { option: 'rows', min: 10, max: 100_000_000 }),
    kills: number(values.kills, { option: 'kills', min: 0, max: 100 }),
    nodeArguments: values['node-argument'],
    json: values.json,
  };
}

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { json, ...args } = readArguments();
    const startedAt = performance.now();
    const { owed, ends, ...counted } = await bigTransaction({ ...args, ...context });
    const verdict = {
      name: 'big-transaction',
      args,
      seed: null,
      seconds: Math.round(performance.now() - startedAt) / 1000,
      versions: {},
      figures: {
        rows: args.rows,
        events: events(args.rows),
        ...counted,
        missing: owed - counted.received,
        missingEnds: 1 - ends,
      },
      limits: { missing: 0, missingEnds: 0, repeated: 0, phantom: 0, peakRssBytes: peakRssBytesMax },
    };
    return { verdict, json, notes: [] };
  },
});
