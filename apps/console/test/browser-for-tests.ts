/** A browser of a test file, what it must never say, and what a page is looked at with. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
  type Route,
} from 'playwright-core';
import { expect, inject, onTestFinished } from 'vitest';
import './browser-setup.ts';

/** What a page does at most, on a machine that others use too. */
export const patienceMs = 60_000;

/** As root no sandbox can be had; the pages are our own. */
export async function launchBrowser(): Promise<Browser> {
  return await chromium.launch({
    executablePath: inject('chromiumPath'),
    chromiumSandbox: process.getuid?.() !== 0,
  });
}

/** A page of its own context, closed with the test. What it says on its console, policy violations among it, fails the test. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const said: string[] = [];
  // A server that is away is told of by the browser itself: that is no fault of the page.
  page.on('console', (message) => {
    const isFault =
      ['error', 'warning'].includes(message.type()) && !/ERR_|Failed to load resource/.test(message.text());
    if (isFault) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error.stack)));
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => undefined);
  });
  onTestFinished(async () => {
    await context.close();
    expect(said).toEqual([]);
  });
  return page;
}

/** Holds requests of a page back, all of them or so many, until the answer is called. */
export async function holdBack(page: Page, url: RegExp, options?: { times: number }): Promise<() => void> {
  const held = Promise.withResolvers<void>();
  const late = async (route: Route): Promise<void> => {
    await held.promise;
    await route.continue();
  };
  await page.route(url, late, options);
  return held.resolve;
}

/** What a reader sees of it, with single spaces. */
export async function seen(locator: Locator): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: a locator is no node, and what is hidden is not meant.
  return (await locator.innerText()).replaceAll(/\s+/g, ' ').trim();
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe finds wrong with the page as it is now, a line each. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await axe);
  const found = await page.evaluate<readonly Violation[]>('axe.run().then(({ violations }) => violations)');
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  );
}

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const images = fileURLToPath(new URL('../../../docs/images', import.meta.url));

/** Those that docs/console.md shows, by page and how it is looked at. */
const pictures = new Map([
  ['/ light', 'timeline'],
  ['/ phone', 'timeline-phone'],
  ['/aggregates/cart/ light', 'cart'],
  ['/leaks light', 'leaks'],
  ['/intent dark', 'intent-dark'],
  ['/health dark', 'health-dark'],
]);

/** A picture for the docs, if they show this one and DIPTYCH_SCREENSHOTS asks for it: a test run changes no file otherwise. */
export async function picture(page: Page, what: string): Promise<void> {
  const name = pictures.get(what);
  if (name !== undefined && process.env.DIPTYCH_SCREENSHOTS === 'yes')
    await page.screenshot({ path: `${images}/console-${name}.png` });
}
