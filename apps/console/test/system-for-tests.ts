/** The whole system with a console of it, and what tests do beside the page: write as others would, and ask the page what it shows. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsoleProcess } from '@diptych/compare-app/console/console-process-for-tests';
import { type System, startSystem, uniqueNames } from '@diptych/demo-app/system';
import { testBrokers, testDatabase } from '@diptych/testkit/for-tests';
import { freePorts } from '@diptych/testkit/port';
import pg from 'pg';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { inject } from 'vitest';
import { openPage, seen } from './browser-for-tests.ts';

export interface ConsoleSystem {
  readonly system: System;
  /** What every console of this system is told. */
  readonly told: readonly string[];
  readonly priceFile: string;
  readonly url: string;
  /** The one that was started last. */
  readonly server: ConsoleProcess;
  /** Another one at the same address, when the one before was ended. */
  startServer(): Promise<void>;
  close(): Promise<void>;
}

/** Cart service, relay and console, of the test's own, on the servers of this run. */
export async function startConsoleSystem(): Promise<ConsoleSystem> {
  const database = await testDatabase();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-console-'));
  const [port = 0] = await freePorts(1);
  const servers = { databaseUrl: inject('diptychDatabaseUrl'), brokers: testBrokers() };
  const system = await startSystem({
    servers,
    names: uniqueNames(),
    say: () => undefined,
    dropDatabases: true,
  });
  const priceFile = join(directory, 'price.json');
  const { names, brokers, relay, databaseUrl } = system;
  const told = [
    ...['--brokers', brokers.join(','), '--prefix', names.prefix, '--domain-prefix', names.domainPrefix],
    ...['--slot', names.slot, '--database', database.url, '--relay', relay.url, '--source', databaseUrl],
    ...['--price', priceFile],
  ];
  const start = (): Promise<ConsoleProcess> => ConsoleProcess.start([...told, '--port', String(port)]);
  let server = await start();
  return {
    system,
    told,
    priceFile,
    url: server.url,
    get server() {
      return server;
    },
    async startServer() {
      server = await start();
    },
    async close() {
      await server.kill();
      await system.close();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A page of the console that says it is live. */
export async function visitPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await openPage(browser, options);
  await page.goto(url);
  await page.getByRole('status').getByText('Live', { exact: true }).first().waitFor();
  return page;
}

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

/** How many transactions the page has, and the positions of those in the document, newest first: a frame brings a few of them. */
export const shownOn = async (page: Page): Promise<{ count: number; newest: string; positions: string[] }> =>
  await page.evaluate(`(() => {
    const articles = [...document.querySelectorAll('article')];
    const positions = articles.map((one) => one.dataset.position).sort().reverse();
    return { count: Number(articles[0].getAttribute('aria-setsize')), newest: positions[0], positions };
  })()`);
