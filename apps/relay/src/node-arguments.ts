/**
 * How Node is started for a relay; `main.ts` names the same in its first line. By itself V8 takes what a machine has: on
 * 24 GiB a transaction of a million rows left 665 MB resident, nearly all of it garbage that nobody had asked for yet.
 * Neither is a bound that a relay could run into: the young generation is collected more often, the old one when it has
 * grown by a fifth. What it costs and saves is measured by `npm run prove:big-transaction` (docs/prove.md).
 */
export const nodeArguments: readonly string[] = ['--max-semi-space-size=4', '--heap-growing-percent=20'];
