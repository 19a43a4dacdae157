/** `npm run bench`: docs/performance.md. */
import { parseArgs } from 'node:util';
import { BadUse, number, type ProofContext, runProof } from '../arguments.ts';
import { full } from './full.ts';
import { quick } from './quick.ts';
import { transactionsDefault } from './sections/drains.ts';

const usage = `
npm run bench -- [--only SECTIONS] [--scale N] [--page FILE] [--node-argument=…] [--json]
npm run bench -- --quick [--transactions N] [--only NAMES] [--node-argument=…] [--json]
  --only            drain, latency, wide, snapshot, growth: these in this order, with commas
  --scale           of the work, 0.001 to 1, to try it out (default 1)
  --page            written at the end (default docs/performance.md; less than all of the work: none)
  --quick           the drain alone: ours, pg_recvlogical, Debezium’s connector; two rounds and an A/A
  --transactions    of its backlog (default 200000)
  --only            diptych, tcp, unix, debezium: these in this order, with commas; without figures and budgets
  --node-argument   given to the relay’s Node, for instance --cpu-prof; may be repeated`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      transactions: { type: 'string' },
      scale: { type: 'string' },
      page: { type: 'string' },
      only: { type: 'string' },
      'node-argument': { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  });
  const { quick: isQuick, transactions, scale, page = null, only = null, json } = values;
  if (isQuick && (scale !== undefined || page !== null))
    throw new BadUse('--quick has no --scale and no --page');
  if (!isQuick && transactions !== undefined) throw new BadUse('--transactions is of --quick: use --scale');
  const counts = { min: 1000, max: 10_000_000 };
  return {
    ...{ isQuick, only, page, json, nodeArguments: values['node-argument'] },
    transactions:
      transactions === undefined
        ? transactionsDefault
        : number(transactions, { option: 'transactions', ...counts }),
    scale: scale === undefined ? 1 : number(scale, { option: 'scale', min: 0.001, max: 1, whole: false }),
  };
}

process.exitCode = await runProof({
  usage,
  prove: async (context: ProofContext) => {
    const { isQuick, transactions, scale, page, json, ...shared } = readArguments();
    const options = { ...shared, ...context };
    const run = isQuick ? quick({ ...options, transactions }) : full({ ...options, scale, page });
    return { ...(await run), json };
  },
});
