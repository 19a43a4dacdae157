/** The whole system, a scripted shopper, a legacy writer and an operator, seen in a real browser. */
import { writeFile } from 'node:fs/promises';
import type { TimelinePage } from '@diptych/compare/console-api';
import { measurePrice } from '@diptych/compare/price';
import { ConsoleProcess } from '@diptych/compare-app/console/console-process-for-tests';
import { writeWithoutEvent } from '@diptych/demo-app/legacy-writer';
import { randomShoppers } from '@diptych/demo-app/script';
import { openCart, shop, workedExample } from '@diptych/demo-app/shopper';
import { operate } from '@diptych/kafka/operator-client';
import { ensureTopics } from '@diptych/kafka/topics';
import { poll } from '@diptych/runtime/poll';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launchBrowser, openPage, patienceMs, picture, seen, violations } from './browser-for-tests.ts';
import {
  type ConsoleSystem,
  connectTo,
  sides,
  startConsoleSystem,
  visitPage,
  writeNote,
} from './system-for-tests.ts';

let tested: ConsoleSystem;
let browser: Browser;
let cartId: number;

beforeAll(async () => {
  browser = await launchBrowser();
  tested = await startConsoleSystem();
  cartId = await openCart(tested.system.cartUrl);
}, 240_000);

afterAll(async () => {
  await browser?.close();
  await tested?.close();
});

const visit = (path: string, options: BrowserContextOptions = {}): Promise<Page> =>
  visitPage(browser, tested.url + path, options);

test('what a shopper does appears on both panels while he does it', async () => {
  const page = await visit('/');
  await shop(tested.system.cartUrl, { cartId, steps: workedExample });
  await page.getByRole('article').filter({ hasText: 'Cart checked out' }).waitFor();
  // Of many that come at once a frame shows a few, those in sight first.
  await expect.poll(() => page.getByRole('article').count(), { timeout: patienceMs }).toBe(8);
  expect(await sides(page, 'has a bruise')).toMatch(
    new RegExp(
      `^Item removed cart ${cartId} apple ×1 by customer: has a bruise .*xid \\d+ .*delete cart_items`,
    ),
  );
  expect(await sides(page, 'quantity 1 → 2')).toMatch(/^Item added cart \d+ banana .*update cart_items/);
  // By its label alone: what a pair is called speaks of events, too.
  await page.getByRole('combobox', { name: 'Event' }).selectOption('ItemRemoved');
  await expect.poll(() => page.getByRole('article').count(), { timeout: patienceMs }).toBe(1);
  expect(await page.evaluate('location.search')).toBe('?type=ItemRemoved');
  await page.getByRole('combobox', { name: 'Event' }).selectOption('');
  await page.getByRole('combobox', { name: 'Table' }).selectOption('public.cart_discounts');
  await page.getByLabel('Cart', { exact: true }).fill(String(cartId));
  await page.getByLabel('Cart', { exact: true }).press('Enter');
  await expect.poll(() => page.getByRole('article').count(), { timeout: patienceMs }).toBe(1);
  expect(await sides(page, 'Discount applied')).toContain('insert cart_discounts');
}, 240_000);

test('one slider goes through both states, commit by commit, and events say why', async () => {
  const page = await visit(`/aggregates/cart/${cartId}`);
  const slider = page.getByRole('slider', { name: 'Moment' });
  await slider.waitFor();
  expect(await seen(page.getByRole('row', { name: /total/ }))).toMatch(/3\.90\s+total\s+3\.90/);
  await slider.focus();
  for (const _step of [1, 2, 3]) await page.keyboard.press('ArrowLeft');
  await page.getByText('5 of 8').waitFor();
  expect(await seen(page.getByRole('region', { name: 'Why is it so?' }))).toContain(
    'because: “has a bruise”',
  );
  await page.getByRole('button', { name: 'Earlier' }).click();
  expect(await seen(page.getByRole('row', { name: /line apple/ }))).toMatch(
    /1 × 1\.50\s+line apple\s+1 × 1\.50/,
  );
  expect(new URL(page.url()).searchParams.get('at')).toMatch(/^\d+-[0-9A-F]{16}$/);
}, 120_000);

test('a write without an event stands out as a leak, and where the states part is named', async () => {
  const page = await visit('/');
  const other = await openCart(tested.system.cartUrl);
  await shop(tested.system.cartUrl, { cartId: other, steps: [{ tag: 'add', sku: 'apple' }] });
  await writeWithoutEvent(tested.system.databaseUrl, { cartId: other, sku: 'apple' });
  const leak = page.getByRole('article').filter({ hasText: 'Leak: rows changed, and no event tells of it' });
  await leak.waitFor();
  await page.getByRole('button', { name: 'Only differences' }).click();
  await expect.poll(() => page.getByRole('article').count(), { timeout: patienceMs }).toBe(1);
  await leak.getByText(`Drift: both states of cart ${other} part here`).waitFor();
  await randomShoppers({ cartUrl: tested.system.cartUrl, count: 20, seed: 7 });
  await page.getByRole('link', { name: /^Leaks/ }).click();
  await page
    .getByRole('heading', { name: /update cart_items/ })
    .first()
    .waitFor();
  await page.getByRole('link', { name: /^Drift/ }).click();
  await page.getByRole('link', { name: `cart ${other}`, exact: true }).click();
  await page.getByText(/Drifted since/).waitFor();
  expect(await seen(page.getByRole('row').filter({ hasText: 'line apple, differs' }))).toMatch(
    /1 × 1\.50[\s\S]*2 × 1\.50/,
  );
}, 240_000);

const pages = ['/', '/aggregates', '/leaks', '/drift', '/intent', '/price', '/health'] as const;

test('no page is barred to anybody: axe finds nothing, in light and dark, and a phone needs no scrolling aside', async () => {
  const found: string[] = [];
  const look = async (page: Page, path: string, name: string): Promise<void> => {
    await page.goto(tested.url + path);
    await page.getByText('Reading …').first().waitFor({ state: 'detached' });
    found.push(...(await violations(page)).map((violation) => `${path} ${name} ${violation}`));
    await picture(page, `${path.replace(/\d+$/, '')} ${name}`);
  };
  const [dark, light, phone] = [
    await visit('/', { colorScheme: 'dark' }),
    await visit('/', { colorScheme: 'light' }),
    await visit('/', { viewport: { width: 390, height: 844 } }),
  ];
  const { items } = await tested.server.json<TimelinePage>('/api/timeline?differences=only');
  const drifted = items[0]?.drifts[0]?.id;
  for (const path of [...pages, `/aggregates/cart/${drifted}`, `/?at=${items[0]?.position}`]) {
    await look(light, path, 'light');
    await look(dark, path, 'dark');
    await phone.goto(tested.url + path);
    await phone.getByText('Reading …').first().waitFor({ state: 'detached' });
    expect(await phone.evaluate('document.documentElement.scrollWidth'), path).toBe(390);
    if (path === '/') await picture(phone, '/ phone');
  }
  expect(found).toEqual([]);
}, 300_000);

test('what is parked stands with its reason, stays while that lasts, and is released from the page', async () => {
  const { brokers, names } = tested.system;
  const topic = `${names.domainPrefix}note`;
  const limit = (bytes: number) => ({ 'max.message.bytes': String(bytes) });
  await ensureTopics({ brokers, specs: [{ name: topic, partitions: 1, config: limit(2000) }] });
  const timeline = await visit('/');
  await writeNote(tested.system.databaseUrl, 5000);
  await timeline.getByText('1 record parked').waitFor();
  const page = await visit('/health');
  const parked = page.getByRole('region', { name: 'Parked' });
  const card = parked.getByRole('listitem');
  await card.waitFor();
  expect(await seen(card)).toMatch(/^record-too-large .*outbox\.event\.note, key 7, /);
  const release = parked.getByRole('button', { name: 'Release' });
  await release.click();
  await parked
    .getByRole('status')
    .getByText(/max\.message\.bytes/)
    .waitFor();
  const asked = { brokers, clientId: 'test', requestTimeoutMs: 10_000, limitMs: patienceMs, what: 'a limit' };
  await operate(asked, (kafka) => kafka.apply({ tag: 'settings', topic, settings: limit(1_000_000) }));
  // The relay learns of the limit when it is asked to.
  await poll(
    async () => {
      if (await release.isEnabled({ timeout: 1000 }).catch(() => false))
        await release.click().catch(() => undefined);
      return (await parked.getByText('Nothing is set aside.').isVisible()) || undefined;
    },
    { what: 'the record is released', timeoutMs: patienceMs, intervalMs: 1000 },
  );
  await timeline.getByRole('article').filter({ hasText: 'Note taken' }).getByText('released later').waitFor();
}, 240_000);

test('health draws what it sees, a snapshot stands with its tables, and prices as they were measured', async () => {
  const page = await visit('/health');
  await page.getByText('relay, active, exactly-once').waitFor();
  await page.getByText(`WAL held by the slot ${tested.system.names.slot}, in use`).waitFor();
  await expect.poll(() => page.locator('figure canvas').count(), { timeout: patienceMs }).toBe(4);
  // One row takes its time, so that there is some to look at the reading.
  const where = "case sku when 'banana' then pg_sleep(15) is not null else true end";
  await tested.system.relay.command('snapshot', '--table', 'public.products', '--where', where);
  const table = page.getByRole('region', { name: 'Snapshot' }).getByRole('row', { name: /public\.products/ });
  await table.waitFor();
  expect(await seen(table)).toMatch(/^public\.products 0 .*reading$/);
  await table.waitFor({ state: 'detached' });
  await page.goto(`${tested.url}/price`);
  await page.getByText('Not measured yet.').waitFor();
  const report = await measurePrice({
    connect: () => connectTo(tested.system.databaseUrl),
    seconds: 5,
  });
  await writeFile(tested.priceFile, JSON.stringify(report));
  await page.reload();
  const rows = page.getByRole('region', { name: 'Prices' }).getByRole('row');
  await rows.nth(4).waitFor();
  expect(await rows.count()).toBe(1 + report.ways.length);
  for (const [index, { way, transactions }] of report.ways.entries())
    expect(await seen(rows.nth(index + 1))).toMatch(
      new RegExp(`^${way} .* ms .* ${transactions.toLocaleString('en')}$`),
    );
  expect(await violations(page)).toEqual([]);
}, 240_000);

test('bound elsewhere the console shows nothing before it is told its token, by form or by link', async () => {
  const token = 'a token that nobody guesses';
  const guarded = await ConsoleProcess.start([...tested.told, '--name', 'guarded', '--host', '0.0.0.0'], {
    DIPTYCH_CONSOLE_TOKEN: token,
  });
  onTestFinished(() => guarded.kill());
  const url = guarded.url.replace('0.0.0.0', '127.0.0.1');
  const page = await openPage(browser);
  await page.goto(url);
  const field = page.getByLabel('Token of this console');
  await field.fill('something else');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('alert').getByText('That is not the token.').waitFor();
  expect(await page.getByRole('article').count()).toBe(0);
  expect(await violations(page)).toEqual([]);
  await field.fill(token);
  await field.press('Enter');
  await page.getByRole('article').first().waitFor();
  await page.reload();
  await page.getByRole('article').first().waitFor();
  const linked = await openPage(browser);
  await linked.goto(`${url}/leaks?token=${encodeURIComponent(token)}`);
  await linked.getByRole('heading', { name: 'Shapes without an event' }).waitFor();
  expect(linked.url()).toBe(`${url}/leaks`);
}, 240_000);
