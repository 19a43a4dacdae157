/** Which tables an initial snapshot reads. */
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { append, noSnapshots } from '@diptych/snapshot/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { Configuration } from '../configuration.ts';
import { ChunkReader } from './chunk-reader.ts';
import { newSnapshotId } from './commands.ts';
import { configuredTables } from './selection.ts';
import { requireKey } from './table-refusal.ts';

/** The tables of an initial snapshot, behind what the log says; each can be read. Throws OperatingError. */
export async function planInitial(
  catalogue: Catalogue,
  { configuration, before }: { configuration: Configuration; before: SnapshotLog | null },
): Promise<SnapshotLog> {
  const { slot, change } = configuration;
  const tables = await configuredTables(catalogue, configuration);
  const reader = await ChunkReader.open(catalogue.databaseUrl, { slot, publication: change.publication });
  try {
    for (const table of tables)
      await reader.check(requireKey(await reader.describe(table), table), table.where);
  } finally {
    await reader.close();
  }
  // All of them are read: what was left of others is among them, or not wanted.
  const log = { ...(before ?? noSnapshots), paused: false, tables: [] };
  return append(log, { id: newSnapshotId(), kind: 'initial', tables });
}
