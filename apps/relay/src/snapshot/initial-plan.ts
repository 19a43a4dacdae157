/** Which tables an initial snapshot reads. */
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { type AskedTable, append, noSnapshots } from '@diptych/snapshot/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { Configuration } from '../configuration.ts';
import { ChunkReader } from './chunk-reader.ts';
import { newSnapshotId } from './commands.ts';
import { configuredTables } from './selection.ts';
import { requirePublished } from './table-refusal.ts';

/**
 * The tables of an initial snapshot, behind what the log says; each can be read. Those without a key come first: what is left
 * of them when the session ends cannot be read on. Throws OperatingError.
 */
export async function planInitial(
  catalogue: Catalogue,
  { configuration, before }: { configuration: Configuration; before: SnapshotLog | null },
): Promise<SnapshotLog> {
  const { slot, change } = configuration;
  const asked = await configuredTables(catalogue, configuration);
  const reader = await ChunkReader.open(catalogue.databaseUrl, { slot, publication: change.publication });
  const keyless = new Set<AskedTable>();
  try {
    for (const table of asked) {
      const described = requirePublished(await reader.describe(table), table);
      await reader.check(described, table.where);
      if (described.key.length === 0) keyless.add(table);
    }
  } finally {
    await reader.close();
  }
  // All of them are read: what was left of others is among them, or not wanted.
  const log = { ...(before ?? noSnapshots), paused: false, tables: [] };
  const keyed = asked.filter((table) => !keyless.has(table));
  const planned = append(log, { id: newSnapshotId(), kind: 'initial', tables: [...keyless, ...keyed] });
  const tables = planned.tables.map((table, index) => (index < keyless.size ? { ...table, key: [] } : table));
  return { ...planned, tables };
}
