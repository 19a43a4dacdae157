/** Transactions through the join, for tests of what comes after it. */
import { Join } from './join.ts';
import type { JoinedTransaction } from './joined-transaction.ts';
import { panelRecords, type TestTransaction, testPrefix } from './panels-for-tests.ts';

export function joinedForTests(transactions: readonly TestTransaction[]): JoinedTransaction[] {
  const join = new Join({ prefix: testPrefix });
  for (const record of transactions.flatMap(panelRecords)) join.add(record);
  return join.complete();
}
