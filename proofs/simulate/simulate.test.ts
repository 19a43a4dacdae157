/** What `npm run simulate` relies on, with few schedules; the run itself has many (docs/prove.md). */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { step } from '@diptych/delivery/delivery';
import type { DeliveryMode } from '@diptych/delivery/protocol';
import { present } from '@diptych/runtime/assert';
import { expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { mutants, original } from './mutants.ts';
import { drawPlan } from './plan.ts';
import { runSchedule } from './schedule.ts';
import { smallerPlan } from './smaller-plan.ts';

const repository = join(import.meta.dirname, '../..');
const relaySession = join(repository, 'apps/relay/src/session.ts');
const delivery = '@diptych/delivery/delivery';

/** What only transactions have, and what only their absence brings. */
const absent: Readonly<Record<DeliveryMode, readonly string[]>> = {
  'exactly-once': ['repeats', 'staleCheckpoints'],
  'at-least-once': ['fencedRequests', 'unheardCommits', 'transactionTimeouts'],
};
const modes: readonly DeliveryMode[] = ['exactly-once', 'at-least-once'];

test.for(modes)(
  '%s: the protocol keeps every promise over 2,000 schedules, in which everything that may happen does happen',
  async (delivery) => {
    const run = { seed: 1, schedules: 2000, delivery, rules: original, brokenMax: 1 };
    const { broken, coverage } = await runCampaign(run);
    expect(broken).toEqual([]);
    const missing = Object.entries(coverage).filter(([, count]) => count === 0);
    expect(missing.map(([what]) => what)).toEqual(absent[delivery]);
  },
);

const cases = Object.entries(mutants).flatMap(([name, rules]) =>
  rules.modes.map((mode) => ({ name, rules, mode })),
);

test.for(cases)('the mutant $name is caught, $mode', async ({ rules, mode }) => {
  const run = { seed: 1, schedules: 30_000, delivery: mode, rules, brokenMax: 1 };
  expect((await runCampaign(run)).broken).toHaveLength(1);
});

test('a broken schedule breaks again alone, in the same way, from its seed, and when made smaller', async () => {
  const rules = mutants['resend-unknown-outcome'] ?? original;
  const delivery = 'exactly-once';
  const { broken } = await runCampaign({ seed: 7, schedules: 2000, delivery, rules, brokenMax: 1 });
  const { seed, promise } = present(broken[0], 'a broken schedule');
  const plan = drawPlan(seed, delivery);
  const again = await runCampaign({ seed, schedules: 1, delivery, rules, brokenMax: 1 });
  expect(again.broken).toEqual(broken);
  const smaller = smallerPlan(plan, rules);
  expect(smaller.writes.length + smaller.faults.length).toBeLessThan(plan.writes.length + plan.faults.length);
  expect(runSchedule(smaller, { rules, traced: false }).breach?.promise).toBe(promise);
});

test('the same plan takes the same course', () => {
  const trace = (seed: number) =>
    runSchedule(drawPlan(seed, 'at-least-once'), { rules: original, traced: true }).trace;
  expect(trace(11)).toEqual(trace(11));
  expect(trace(11)).not.toEqual(trace(12));
});

test('what is simulated is the very module that the relay imports', () => {
  const imported = /import \{[^}]*\bstep\b[^}]*\} from '([^']+)'/.exec(
    readFileSync(relaySession, 'utf8'),
  )?.[1];
  expect(imported).toBe(delivery);
  const simulated = createRequire(import.meta.url).resolve(delivery);
  expect(createRequire(relaySession).resolve(delivery)).toBe(simulated);
  expect(original.step).toBe(step);
});

test('docs/prove.md lists every mutant in each of its modes, and no other', () => {
  const page = readFileSync(join(repository, 'docs/prove.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([a-z-]+)` \| (exactly once|at least once) \|/gm)];
  const wanted = cases.map(({ name, mode }) => `${name}, ${mode.replaceAll('-', ' ')}`);
  expect(listed.map(([, name, mode]) => `${name}, ${mode}`)).toEqual(wanted);
});

test('no mutant lives in product code', () => {
  const sources = ['delivery', 'intake', 'publishing', 'protocol', 'state', 'batch'].map((name) =>
    readFileSync(join(repository, `packages/delivery/src/${name}.ts`), 'utf8'),
  );
  sources.push(readFileSync(relaySession, 'utf8'));
  const named = Object.keys(mutants).filter((name) => sources.some((source) => source.includes(name)));
  expect(named).toEqual([]);
  expect(sources.join('\n')).not.toMatch(/mutant|deviation/i);
});
