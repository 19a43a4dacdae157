/** Ten thousand transactions in a real browser, and data that wants to be more than data. */

import type { Session } from '@diptych/compare/console-api';
import { panelRecords, type TestTransaction } from '@diptych/compare/panels-for-tests';
import { type TestPanels, testPanels } from '@diptych/compare/published-for-tests';
import { ConsoleProcess } from '@diptych/compare-app/console/console-process-for-tests';
import { poll } from '@diptych/runtime/poll';
import { spread } from '@diptych/runtime/verdict';
import { testDatabase } from '@diptych/testkit/for-tests';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdBack, launchBrowser, openPage } from './browser-for-tests.ts';

const transactions = 10_000;
const script = '<script>window.obeyed = true</script><img src=x onerror="window.obeyed = true">';

/** Carts that are opened, one after another; the last event wants to be a script. */
function transactionAt(at: number): TestTransaction {
  const id = 100 + at;
  const note = at === transactions ? script : `note ${at}`;
  const row = { id, status: 'open', total: null, note };
  return {
    at,
    changes: [{ table: 'carts', op: 'c', key: { id }, after: row }],
    events: [{ type: 'Noted', aggregateType: 'note', key: String(id), payload: { note, actor: script } }],
  };
}

let panels: TestPanels;
let database: { url: string; drop(): Promise<void> };
let server: ConsoleProcess;
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
  panels = await testPanels();
  database = await testDatabase();
  await panels.create();
  for (let from = 1; from <= transactions; from += 1000)
    await panels.publish(
      Array.from({ length: 1000 }, (_, index) => transactionAt(from + index)).flatMap(panelRecords),
    );
  const { prefix, domainPrefix } = panels.names;
  server = await ConsoleProcess.start([
    ...['--brokers', panels.brokers.join(','), '--prefix', prefix, '--domain-prefix', domainPrefix],
    ...['--database', database.url],
  ]);
  await poll(
    async () => {
      // Before its engine has begun it answers that it cannot tell.
      const session = await server.json<Session>('/api/session').catch(() => undefined);
      return session !== undefined && session.state.kept.count >= transactions ? true : undefined;
    },
    { what: `${transactions} transactions are kept`, timeoutMs: 180_000, intervalMs: 250 },
  );
}, 420_000);

afterAll(async () => {
  await browser?.close();
  await server?.kill();
  await panels?.close();
  await database?.drop();
});

test('a script in a payload or a row is shown, and not run', async () => {
  const page = await openPage(browser);
  await page.goto(server.url);
  const first = page.getByRole('article').first();
  await first.getByText('<script>window.obeyed').first().waitFor();
  await first.getByTitle('Open').click();
  await page.getByRole('dialog').getByText('<img src=x onerror=').first().waitFor();
  expect(await page.evaluate('window.obeyed')).toBeUndefined();
  expect(await page.evaluate('document.querySelectorAll("main img, main script").length')).toBe(0);
}, 120_000);

test('the keyboard goes from pair to pair, opens one, and comes back to it', async () => {
  const page = await openPage(browser);
  await page.goto(server.url);
  await page.getByRole('article').first().waitFor();
  await page.getByRole('feed').focus();
  for (const _step of [1, 2, 3]) await page.keyboard.press('ArrowDown');
  const focused = () => page.evaluate<string | null>('document.activeElement.getAttribute("aria-posinset")');
  expect(await focused()).toBe('3');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByText('What was meant').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await focused()).toBe('3');
  // A dialog that is closed is gone at once, and says so to the page in a task of its own.
  await page.waitForURL(({ search }) => search === '');
}, 120_000);

test('a link leads to a transaction wherever it stands, however late the list comes, and from there back to the newest', async () => {
  const page = await openPage(browser);
  await page.goto(server.url);
  await page.getByLabel('Jump to').fill('1017');
  await page.getByLabel('Jump to').press('Enter');
  await page.getByRole('dialog').getByText('Transaction 1017').waitFor();
  const url = page.url();
  await page.keyboard.press('Escape');
  const other = await openPage(browser);
  const letGo = await holdBack(other, /\/api\/timeline/, { times: 1 });
  await other.goto(url);
  await other.getByRole('dialog').getByText('Transaction 1017').waitFor();
  await other.keyboard.press('Escape');
  await other.waitForURL(({ search }) => search === '');
  letGo();
  await other.getByRole('article').filter({ hasText: 'xid 1017' }).waitFor();
  await expect.poll(() => other.evaluate('document.querySelector(".scroll").scrollTop')).toBeGreaterThan(0);
  await other.getByRole('button', { name: 'Back to the newest' }).click();
  await other
    .getByRole('article')
    .filter({ hasText: `xid ${1000 + transactions}` })
    .waitFor();
  expect(await other.getByRole('dialog').count()).toBe(0);
}, 120_000);

/** What may keep a page from answering: https://developer.mozilla.org/en-US/docs/Web/API/PerformanceLongTaskTiming */
const taskMsMax = 50;
const firstPaintMsMax = 1000;

/** Scrolls to the end, page after page, and answers how many transactions it came by. */
const scroll = `new Promise((resolve) => {
  const list = document.querySelector('.scroll');
  const step = () => {
    list.scrollTop += 1500;
    const count = Number(document.querySelector('article').getAttribute('aria-setsize'));
    const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 2;
    if (isAtEnd && count >= ${transactions}) resolve(count);
    else requestAnimationFrame(step);
  };
  step();
})`;

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  /** Processor time of the thread, in µs: what others on the machine take is not in it. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** How long each task of the page's thread took while the work was done: ms of its processor time. */
async function taskTimes(page: Page, work: () => Promise<void>): Promise<number[]> {
  const categories = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'];
  await browser.startTracing(page, { categories });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: TraceEvent[];
  };
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return traceEvents
    .filter(({ name, pid, tid }) => /RunTask$/.test(name) && main.has(`${pid} ${tid}`))
    .map(({ tdur = 0 }) => tdur / 1000);
}

/** Takes down when the tenth pair was on the screen: behind two frames, the first of which has drawn it. */
const watchPairs = `new MutationObserver((_changes, observer) => {
  if (document.querySelectorAll('article').length < 10) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.tenPairsMs = performance.now(); }));
}).observe(document, { childList: true, subtree: true });`;

/** What was taken down, once it is: in ms since the page was asked for. */
const paints = `new Promise((resolve) => {
  const look = () => {
    if (window.tenPairsMs === undefined) return void requestAnimationFrame(look);
    const [first] = performance.getEntriesByName('first-contentful-paint');
    resolve({ first: first.startTime, tenPairs: window.tenPairsMs });
  };
  look();
})`;

interface Paints {
  readonly first: number;
  readonly tenPairs: number;
}

/** By the clock of a browser that has nothing of the page in its cache. */
async function paintTimes(): Promise<Paints> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(watchPairs);
    await page.goto(server.url);
    return await page.evaluate<Paints>(paints);
  } finally {
    await context.close();
  }
}

const loads = 7;

test('within a second of asking for the page it paints, and ten pairs cost it less than a second of work', async () => {
  const times: Paints[] = [];
  for (let load = 0; load < loads; load += 1) times.push(await paintTimes());
  const [first, tenPairs] = [spread(times.map((one) => one.first)), spread(times.map((one) => one.tenPairs))];
  process.stdout.write(
    `of ${loads} loads, p50 and max: first paint ${first.p50} and ${first.max} ms, ten pairs ${tenPairs.p50} and ${tenPairs.max} ms\n`,
  );
  // By the clock only of the best: the others say who else was at work on the machine.
  expect(Math.min(...times.map((one) => one.first))).toBeLessThan(firstPaintMsMax);
  const page = await openPage(browser);
  const work = await taskTimes(page, async () => {
    await page.goto(server.url);
    await page.getByRole('article').nth(9).waitFor();
  });
  const workMs = work.reduce((sum, time) => sum + time, 0);
  expect(workMs).toBeGreaterThan(0);
  expect(workMs).toBeLessThan(firstPaintMsMax);
}, 120_000);

/**
 * Once more, when a task took longer: on a virtual machine a thread's processor time holds what the host took meanwhile. In
 * traces of such runs a paint of 110 ms stands among 2,400 that took 6 at most. What is the page's own comes again.
 */
const scrollsMax = 2;

test('scrolling through ten thousand transactions, no task takes 50 ms', async () => {
  let longest = Number.POSITIVE_INFINITY;
  for (let scrolls = 0; scrolls < scrollsMax && longest >= taskMsMax; scrolls += 1) {
    const page = await openPage(browser);
    await page.goto(server.url);
    await page.getByRole('article').first().waitFor();
    let count = 0;
    const times = await taskTimes(page, async () => {
      count = await page.evaluate<number>(scroll);
    });
    expect(count).toBe(transactions);
    // A trace without tasks would promise anything.
    expect(times.length).toBeGreaterThan(500);
    longest = Math.max(...times);
    process.stdout.write(
      `scrolling through ${transactions}: the longest task took ${longest.toFixed(1)} ms\n`,
    );
  }
  expect(longest).toBeLessThan(taskMsMax);
}, 420_000);
