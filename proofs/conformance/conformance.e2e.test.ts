/** A handful of cases with Debezium itself: the harness works, and what we and the reference agree on stays so. */
import { readFile } from 'node:fs/promises';
import { testBrokers, testDatabase } from '@diptych/testkit/for-tests';
import { expect, onTestFinished, test } from 'vitest';
import { runCases, withServers } from './campaign.ts';
import { parseCase } from './case-file.ts';
import { describeOutcome } from './report.ts';

/** Of all kinds of records: row events, key changes, schema changes, transaction metadata, origins, rows that were read. */
const names = [
  'C-01-insert',
  'C-04-delete-and-tombstone',
  'C-23-columns-come-and-go',
  'C-60-origin',
  'C-79-rollback',
  'C-131-made-with-rows',
  'C-96-snapshot-incremental',
];

/** The first run fetches Debezium; later ones start a JVM and read a few records, on a machine that does other things. */
const timeoutMs = 300_000;

test('what Debezium and we publish is the same but for what is declared, and the database agrees', {
  timeout: timeoutMs,
}, async () => {
  const database = await testDatabase();
  onTestFinished(() => database.drop());
  const stack = {
    ...({ kind: 'external', why: 'the stack of the tests' } as const),
    ...{ databaseUrl: database.url, brokers: testBrokers(), stop: async () => undefined },
  };
  const cases = await Promise.all(
    names.map(async (name) =>
      parseCase(name, await readFile(new URL(`./cases/${name}.sql`, import.meta.url), 'utf8')),
    ),
  );
  const { signal } = new AbortController();
  const outcomes = await withServers({ say: () => undefined, signal, stack }, (servers) =>
    runCases(cases, { servers, tell: () => undefined }),
  );
  const failed = outcomes.filter((outcome) => outcome.tag !== 'run' || !outcome.passed);
  expect(failed.flatMap(describeOutcome)).toEqual([]);
  expect(outcomes.map(({ name }) => name)).toEqual(names);
});
