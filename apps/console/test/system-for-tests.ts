/** What tests of the whole system do beside the page: write as others would, and ask the page what it shows. */
import pg from 'pg';
import type { Page } from 'playwright-core';
import { seen } from './browser-for-tests.ts';

/** A connection to a database, of the caller's to end. */
export async function connectTo(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

/** An event of another service, with so much in it. */
export async function writeNote(databaseUrl: string, bytes: number): Promise<void> {
  const client = await connectTo(databaseUrl);
  await client.query(
    `insert into outbox (id, aggregatetype, aggregateid, type, payload, aggregateversion)
     values (gen_random_uuid(), 'note', '7', 'NoteTaken', jsonb_build_object('text', repeat('x', $1)), 1)`,
    [bytes],
  );
  await client.end();
}

/** What the article of an event says on both sides. */
export const sides = async (page: Page, words: string): Promise<string> =>
  await seen(page.getByRole('article').filter({ hasText: words }).first());

/** How many transactions the page has, and the positions of those in the document, newest first. */
export const shownOn = async (page: Page): Promise<{ count: number; positions: string[] }> =>
  await page.evaluate(`(() => {
    const articles = [...document.querySelectorAll('article')];
    const positions = articles.map((one) => one.dataset.position).sort().reverse();
    return { count: Number(articles[0].getAttribute('aria-setsize')), positions };
  })()`);
