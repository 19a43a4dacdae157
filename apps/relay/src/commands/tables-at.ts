/** Tables as of one commit: read in the snapshot that a temporary slot exports, in the form of change events. */
import { randomBytes } from 'node:crypto';
import { TopicNames } from '@diptych/change/topic-name';
import type { BaselineRow } from '@diptych/compare/joined-transaction';
import { readBaselineRow } from '@diptych/compare/panel-record';
import { OperatingError } from '@diptych/runtime/failure';
import { readRow } from '@diptych/snapshot/read-row';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { createExportedSlot } from '@diptych/wal/exported-slot';
import type { Lsn } from '@diptych/wal/lsn';
import { qualifiedName, type TableName } from '@diptych/wal/publication';
import { listTables } from '@diptych/wal/table';
import { ChangePanel } from '../change-panel.ts';
import type { Configuration } from '../configuration.ts';
import { ChunkReader } from '../snapshot/chunk-reader.ts';
import { snapshotHeader } from '../snapshot/read-panel.ts';
import { describeTables } from '../source.ts';

export interface TablesAt {
  /** The rows show every transaction that committed before, and none behind. */
  readonly consistentPoint: Lsn;
  readonly rows: readonly BaselineRow[];
}

/** Rows in memory, of all tables. */
const rowsMax = 1_000_000;
/** Of one answer of the server. */
const rowsOfAnswer = 2_000;
const answerBytesMax = 8 * 1024 * 1024;

/**
 * Reads the tables, `schema.table`, that there are and are published. The slot is gone as soon as its snapshot is held. Throws
 * OperatingError: `comparison-exhausted`, and those of Postgres.
 */
export async function tablesAt(configuration: Configuration, tables: readonly string[]): Promise<TablesAt> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const wanted = (await listTables(catalogue)).filter((table) => tables.includes(qualifiedName(table)));
    const panel = await changePanel(catalogue, configuration);
    const { reader, consistentPoint } = await readerAt(catalogue, configuration);
    try {
      const rows: BaselineRow[] = [];
      for (const table of wanted) await readTable({ table, reader, panel, rows });
      return { consistentPoint, rows };
    } finally {
      await reader.close();
    }
  } finally {
    await catalogue.close();
  }
}

async function changePanel(catalogue: Catalogue, configuration: Configuration): Promise<ChangePanel> {
  return new ChangePanel({
    ...{ configuration, described: await describeTables(catalogue), database: '' },
    topics: new TopicNames({ topicsMax: configuration.limits.topicsMax }),
    publishes: () => true,
  });
}

async function readerAt(catalogue: Catalogue, { change }: Configuration) {
  const { databaseUrl } = catalogue;
  const slot = `diptych_verify_${randomBytes(6).toString('hex')}`;
  const exported = await createExportedSlot({
    ...{ databaseUrl, observer: catalogue, name: slot, failover: false, temporary: true },
    waitingFor: () => undefined,
  });
  try {
    const reader = await ChunkReader.open(databaseUrl, { slot, publication: change.publication });
    await reader.adopt(exported.snapshotName);
    return { reader, consistentPoint: exported.consistentPoint };
  } finally {
    await exported.close();
  }
}

async function readTable({
  table,
  reader,
  panel,
  rows,
}: {
  table: TableName;
  reader: ChunkReader;
  panel: ChangePanel;
  rows: BaselineRow[];
}): Promise<void> {
  const described = await reader.describe(table);
  if (!described) return;
  panel.noteKey(described.relation, described.key);
  const cursor = await reader.openCursor(described, null);
  for (let from = 0; ; ) {
    const chunk = await reader.readCursor(described, {
      ...{ cursor, from, rows: rowsOfAnswer, bytesMax: answerBytesMax },
    });
    for (let index = 0; index < chunk.rows.length; index += 1) {
      const made = panel.encodeRead(described.relation, readRow(chunk.rows, index), {
        ...{ marker: 'true', timeUs: chunk.timeUs, lsn: null, withoutValues: false },
      });
      if (made?.failure) throw made.failure;
      if (!made) continue;
      const place = { topic: made.topic, partition: 0, offset: 0n, timestampMs: 0 };
      rows.push(
        readBaselineRow({
          ...place,
          key: made.key,
          value: made.value,
          headers: new Map([[snapshotHeader, 'now']]),
        }),
      );
    }
    if (rows.length > rowsMax) throw exhausted();
    from += chunk.rows.length;
    if (chunk.isLast) return;
  }
}

const exhausted = (): OperatingError =>
  new OperatingError('comparison-exhausted', `the tables have more than ${rowsMax} rows`, {
    remedy: 'Declare fewer aggregates in audit.mappings, or compare both panels alone, without --tables.',
  });
