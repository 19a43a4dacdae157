/** What the ledger says was committed, as the facts that each transaction owes its readers. */
import { fact } from './fact.ts';

/** One row of the ledger, as the database has it in the end. */
export interface LedgerRow {
  /** Decimal. */
  readonly xid: string;
  readonly writer: number;
  readonly n: number;
  /** Each fact, `* <count>` behind those that came in numbers. */
  readonly facts: readonly string[];
}

/** By xid. `partitions`: a TRUNCATE comes once to each of them. */
export function owedBy(
  ledger: Iterable<LedgerRow>,
  { partitions }: { partitions: number },
): Map<number, Map<string, number>> {
  return new Map([...ledger].map((row) => [Number(row.xid), owedFor(row, partitions)]));
}

const numbered = /^(.*) \* (\d+)$/;

/** A transaction owes its facts, its row in the ledger, and an END that counts them. */
function owedFor(row: LedgerRow, partitions: number): Map<string, number> {
  const owed = new Map<string, number>([[fact.ledger(row), 1]]);
  let changes = 1;
  let events = 0;
  for (const text of row.facts) {
    const [, what = text, count = '1'] = numbered.exec(text) ?? [];
    const spread = what === fact.truncated() ? partitions : 1;
    owed.set(what, (owed.get(what) ?? 0) + Number(count) * spread);
    if (what.startsWith('event ')) events += Number(count);
    else if (!what.endsWith(' tombstone')) changes += Number(count);
  }
  return owed.set(fact.end({ changes, events }), 1);
}
