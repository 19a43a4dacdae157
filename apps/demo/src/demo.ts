import { describeCartEvent } from '@diptych/compare/cart-mapping';
import { KnownRows } from '@diptych/compare/known-rows';
import { renderPair } from '@diptych/compare/pair';
import { compareReport, type Report } from '@diptych/compare-app/report';
import { summaryLines } from '@diptych/compare-app/summary';
import { poll } from '@diptych/runtime/poll';
import { failuresOf, verdictLine } from '@diptych/runtime/verdict';
import type { Say } from '@diptych/testkit/progress';
import { startStack } from '@diptych/testkit/stack';
import pg from 'pg';
import { caughtUp } from './caught-up.ts';
import { firstShopper, type Planted, randomShoppers } from './script.ts';
import { plainNames, type System, startSystem, uniqueNames } from './system.ts';
import { timeTravel } from './time-travel.ts';

export interface DemoOptions {
  readonly json: boolean;
  /** Whether the legacy write is planted. */
  readonly legacy: boolean;
  readonly shoppers: number;
  readonly seed: number;
  readonly keep: boolean;
  readonly say: Say;
  readonly signal: AbortSignal;
  readonly out: NodeJS.WriteStream;
}

/** Shops, compares, reports. Answers 0 when the report names exactly what was planted, 1 when it does not. */
export async function demo(options: DemoOptions): Promise<number> {
  const { keep, say, signal } = options;
  const stack = await startStack({ say, keep, signal });
  try {
    const external = stack.kind === 'external';
    const names = external ? uniqueNames() : plainNames;
    const system = await startSystem({ servers: stack, names, say, dropDatabases: external && !keep });
    try {
      const exitCode = await Promise.race([shopAndCompare(system, options), system.relay.untilUnaskedExit()]);
      if (keep) await leaveUp(system, options);
      return exitCode;
    } finally {
      await system.close();
    }
  } finally {
    await stack.stop();
  }
}

async function shopAndCompare(system: System, options: DemoOptions): Promise<number> {
  const { json, legacy, shoppers, seed, out } = options;
  const startedAt = performance.now();
  const planted = await firstShopper({ ...system, legacy });
  await randomShoppers({ cartUrl: system.cartUrl, count: shoppers, seed });
  await caughtUp({ databaseUrl: system.databaseUrl, slot: system.names.slot });
  const look = { columns: out.columns ?? 120, color: out.isTTY ?? false, describe: describeCartEvent };
  const known = new KnownRows();
  const { brokers, names } = system;
  const report = await compareReport({
    brokers,
    prefix: names.prefix,
    domainPrefix: names.domainPrefix,
    onTransaction: (transaction) => {
      if (!json) out.write(`${renderPair(known.complete(transaction), look)}\n\n`);
    },
  });
  const verdict = {
    name: 'demo',
    args: { legacy, shoppers, seed },
    seed,
    seconds: Math.round(performance.now() - startedAt) / 1000,
    figures: { ...figuresOf(report, planted), shipments: await shipped(system) },
    limits: { missed: 0, invented: 0, incomplete: 0, repeated: 0 },
  };
  if (json) out.write(`${verdictLine(verdict)}\n`);
  else {
    for (const path of ['/carts/101', '/es/carts/101']) {
      out.write(`${(await timeTravel(system.cartUrl, path)).join('\n')}\n\n`);
    }
    out.write(`${summaryLines(report).join('\n')}\n${conclusion(verdict, planted)}\n`);
  }
  return failuresOf(verdict).length === 0 ? 0 : 1;
}

/** What was found, and how that differs from what was planted: each planted cart one leak and one drift. */
function figuresOf(report: Report, { driftedCarts: planted }: Planted) {
  const { transactions, events, changes, leaks, driftedCarts, incomplete, repeatedCount: repeated } = report;
  const found = new Set(driftedCarts.map((drift) => drift.id));
  const wanted = new Set(planted.map(String));
  const missed = wanted.difference(found).size + Math.max(0, planted.length - leaks.length);
  const invented = found.difference(wanted).size + Math.max(0, leaks.length - planted.length);
  return { transactions, events, changes, leaks, driftedCarts, missed, invented, incomplete, repeated };
}

function conclusion(verdict: Parameters<typeof failuresOf>[0], { driftedCarts }: Planted): string {
  const failures = failuresOf(verdict);
  if (failures.length > 0) {
    return failures
      .map(
        ({ what, expected, got }) =>
          `differs: ${what} is ${JSON.stringify(got)}, not ${JSON.stringify(expected)}`,
      )
      .join('\n');
  }
  return driftedCarts.length === 0
    ? 'Both panels tell the same story.'
    : `Exactly the planted legacy write and the cart it made drift (${driftedCarts.join(', ')}) were found.`;
}

/** Waits until shipping has shipped as many carts as were checked out, and answers how many. */
async function shipped({ shippingUrl, databaseUrl, names }: System): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from carts where status = 'checked-out'`,
  );
  await client.end();
  const wanted = rows[0]?.count ?? 0;
  await poll(async () => ((await countShipments(shippingUrl)) >= wanted ? true : undefined), {
    what: `${wanted} shipments of ${names.cartDatabase}`,
    timeoutMs: 60_000,
  });
  return countShipments(shippingUrl);
}

/** All of them, page by page. */
async function countShipments(shippingUrl: string): Promise<number> {
  let count = 0;
  for (let after: number | null = 0; after !== null; ) {
    const answer = await fetch(`${shippingUrl}/shipments?limit=1000&after=${after}`);
    const page = (await answer.json()) as { shipments: unknown[]; next: number | null };
    count += page.shipments.length;
    after = page.next;
  }
  return count;
}

async function leaveUp(
  { databaseUrl, brokers, cartUrl }: System,
  { say, signal }: DemoOptions,
): Promise<void> {
  say(`kept: Postgres ${databaseUrl}, Kafka ${brokers.join(',')}, cart service ${cartUrl}. Ctrl-C ends it.`);
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
