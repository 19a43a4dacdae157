/** What comes live: paused, late, refused, and after a server that was away. */
import type { TimelinePage } from '@diptych/compare/console-api';
import type { AggregateAnswer } from '@diptych/compare/console-reports';
import { randomShoppers } from '@diptych/demo-app/script';
import { openCart, shop } from '@diptych/demo-app/shopper';
import { poll } from '@diptych/runtime/poll';
import type { Browser, Page, Route } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdBack, launchBrowser, openPage, patienceMs } from './browser-for-tests.ts';
import { type ConsoleSystem, shownOn, startConsoleSystem, visitPage } from './system-for-tests.ts';

let tested: ConsoleSystem;
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
  tested = await startConsoleSystem();
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await tested?.close();
});

const visit = (path: string): Promise<Page> => visitPage(browser, tested.url + path);

test('a list that was empty shows what came before its stream was there, and one that was refused is asked for again', async () => {
  const page = await openPage(browser);
  const letGo = await holdBack(page, /\/api\/live/);
  const refuse = (route: Route): Promise<void> =>
    route.fulfill({ status: 503, json: { detail: 'The database is away.' } });
  const asked = page.waitForResponse(/\/api\/timeline/);
  await page.goto(`${tested.url}/?type=CartAbandoned`);
  expect(await (await asked).json()).toMatchObject({ items: [] });
  await abandon(await openCart(tested.system.cartUrl));
  letGo();
  await page.getByRole('article').filter({ hasText: 'Cart abandoned' }).waitFor();
  await page.route(/\/api\/timeline/, refuse, { times: 1 });
  await page.reload();
  await page.getByText('The database is away.').waitFor();
  await abandon(await openCart(tested.system.cartUrl));
  await expect.poll(() => page.getByRole('article').count(), { timeout: patienceMs }).toBe(2);
}, 120_000);

test('the page of an aggregate has what came before its stream was there', async () => {
  const page = await openPage(browser);
  const letGo = await holdBack(page, /\/api\/live/);
  const id = await openCart(tested.system.cartUrl);
  await untilKept(id, 1);
  await page.goto(`${tested.url}/aggregates/cart/${id}`);
  await page.getByText('1 of 1').waitFor();
  await abandon(id);
  letGo();
  await expect.poll(() => page.getByText('2 of 2').count(), { timeout: patienceMs }).toBe(1);
}, 120_000);

/** Abandons a cart that is open, and waits until the console has kept that. */
async function abandon(id: number): Promise<void> {
  await shop(tested.system.cartUrl, { cartId: id, steps: [{ tag: 'abandon' }] });
  await untilKept(id, 2);
}

/** Waits until the console has kept so many transactions of a cart. */
async function untilKept(id: number, count: number): Promise<void> {
  await poll(
    async () => {
      const life = await tested.server
        .json<AggregateAnswer>(`/api/aggregates/cart/${id}`)
        .catch(() => undefined);
      return life?.moments.length === count || undefined;
    },
    { what: `${count} transactions of cart ${id} are kept`, timeoutMs: patienceMs },
  );
}

test('a pause holds back what comes, and says how much that is', async () => {
  const page = await visit('/');
  await page.getByRole('article').first().waitFor();
  const { count, newest } = await shownOn(page);
  await page.getByRole('button', { name: 'Pause' }).click();
  const opened = await openCart(tested.system.cartUrl);
  await page.getByRole('button', { name: '1 new transaction' }).waitFor();
  expect(await shownOn(page)).toMatchObject({ count, newest });
  await page.getByRole('button', { name: 'Resume' }).click();
  await page
    .getByRole('article')
    .filter({ hasText: `cart ${opened}` })
    .waitFor();
}, 120_000);

test('when the server comes back after a kill, the page goes on by itself and lacks nothing', async () => {
  const page = await visit('/');
  await page.getByRole('article').first().waitFor();
  await tested.server.kill();
  await page.getByText('Connection lost, trying again').waitFor();
  // A page begins with the newest hundred: more than that may be kept.
  const before = await shownOn(page);
  await randomShoppers({ cartUrl: tested.system.cartUrl, count: 3, seed: 40 });
  const last = await openCart(tested.system.cartUrl);
  await tested.startServer();
  await page
    .getByRole('article')
    .filter({ hasText: `cart ${last}` })
    .waitFor();
  await untilKept(last, 1);
  const { items } = await tested.server.json<TimelinePage>('/api/timeline?limit=500');
  const kept = items.map(({ position }) => position);
  const missed = kept.indexOf(before.newest);
  await expect
    .poll(
      async () => {
        const { count, positions } = await shownOn(page);
        // What is in the document is in sight, and nothing between.
        return { count, lacks: kept.slice(0, positions.length).filter((one) => !positions.includes(one)) };
      },
      { timeout: patienceMs },
    )
    .toEqual({ count: before.count + missed, lacks: [] });
}, 240_000);
