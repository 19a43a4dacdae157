/** `diptych verify --tables`: what events say, against the tables themselves, as of one commit. */
import { compareToNow, type Incomplete } from '@diptych/compare/compare-to-now';
import { tableDriftLines } from '@diptych/compare/comparison-text';
import { declaredDrifts } from '@diptych/compare/declared-drifts';
import type { DriftFold } from '@diptych/compare/drift';
import { openPanels } from '@diptych/compare/open-panels';
import type { TableDrift } from '@diptych/compare/table-drift';
import { formatLsn } from '@diptych/wal/lsn';
import type { Configuration } from '../configuration.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { tablesAt } from './tables-at.ts';

export interface VerifiedTables {
  /** PostgreSQL's text form: both sides show every transaction that committed before. */
  readonly consistentPoint: string;
  readonly incomplete: readonly Incomplete[];
  readonly tables: Readonly<Record<string, TableDrift>>;
}

/** How long the relay may need to publish what the tables show. */
const publishedTimeoutMs = 60_000;

/**
 * Reads the tables of every declared aggregate in the exported snapshot of a temporary slot, waits until both panels have
 * published everything before its consistent point, folds the events up to there, and compares. Needs a free slot and
 * the REPLICATION attribute. Throws OperatingError: those of `tablesAt`, `passed`, `compareToNow` and `declaredDrifts`.
 */
export async function verifyTables(configuration: Configuration): Promise<VerifiedTables> {
  const { kafka, prefix, slot, outbox, audit } = configuration;
  const { brokers } = kafka;
  const folds: DriftFold[] = [];
  const drifts = (await declaredDrifts(audit.mappings)).map((make): typeof make => (options) => {
    const fold = make(options);
    folds.push(fold);
    return fold;
  });
  const declared = drifts.flatMap((make) => make({}).tables);
  folds.length = 0;
  const { consistentPoint, rows } = await tablesAt(configuration, declared);
  const panels = openPanels({ brokers, prefix, slot });
  try {
    // No transaction has this id: the position is what is waited for.
    await panels.passed({ xid: 0n, lsn: consistentPoint }, { timeoutMs: publishedTimeoutMs });
  } finally {
    await panels.close();
  }
  const { incomplete } = await compareToNow({
    ...{ brokers, prefix, domainPrefix: outbox.topicPrefix, drifts, beforeLsn: consistentPoint },
  });
  return {
    consistentPoint: formatLsn(consistentPoint),
    incomplete,
    tables: Object.fromEntries(folds.map((fold) => [fold.aggregateType, fold.againstTables(rows)])),
  };
}

/** Prints it; exit code 1 when there is drift, 3 when nothing could be compared. Throws as `verifyTables`. */
export async function printVerifiedTables({
  configuration,
  out,
  json = false,
}: {
  readonly configuration: Configuration;
  readonly out: { write(text: string): unknown };
  readonly json?: boolean;
}): Promise<ExitCode> {
  const found = await verifyTables(configuration);
  const { consistentPoint, incomplete, tables } = found;
  const lines = [
    `tables and panels as of ${consistentPoint}`,
    ...(incomplete.length > 0 ? [`incomplete transactions: ${incomplete.length}`] : []),
    ...tableDriftLines(tables),
  ];
  out.write(`${json ? JSON.stringify(found) : lines.join('\n')}\n`);
  const reports = Object.values(tables);
  if (incomplete.length > 0 || reports.some(({ driftedCount }) => driftedCount > 0))
    return exitCodes.differences;
  return reports.some(({ agreed }) => agreed > 0) ? exitCodes.ok : exitCodes.notEnoughData;
}
