/** The state of the database where a new slot's stream begins, held open by those who read it. */
import type { Catalogue } from '@diptych/wal/catalogue';
import { createExportedSlot } from '@diptych/wal/exported-slot';
import type { Lsn } from '@diptych/wal/lsn';
import type { Hindrance } from '@diptych/wal/slot';
import type { Configuration } from '../configuration.ts';
import { ChunkReader } from './chunk-reader.ts';

export interface ExportedSnapshot {
  readonly consistentPoint: Lsn;
  /** Each in a transaction that sees that state and nothing later. */
  readonly readers: readonly ChunkReader[];
  /** Ends these transactions. */
  close(): Promise<void>;
}

/** Creates the slot, and connections that read as of its first position. Throws OperatingError. */
export async function createSlotToRead({
  catalogue,
  observer,
  configuration,
  failover,
  waitingFor,
}: {
  catalogue: Catalogue;
  observer: Catalogue;
  configuration: Configuration;
  failover: boolean;
  waitingFor: (hindrances: readonly Hindrance[]) => void;
}): Promise<ExportedSnapshot> {
  const { slot, change, snapshot } = configuration;
  const { databaseUrl } = catalogue;
  const exported = await createExportedSlot({ databaseUrl, observer, name: slot, failover, waitingFor });
  const readers: ChunkReader[] = [];
  const close = async () => {
    await Promise.all(readers.map((reader) => reader.close()));
  };
  try {
    for (let count = 0; count < snapshot.connections; count += 1) {
      const reader = await ChunkReader.open(databaseUrl, { slot, publication: change.publication });
      readers.push(reader);
      await reader.adopt(exported.snapshotName);
    }
  } catch (error) {
    await close();
    throw error;
  } finally {
    await exported.close();
  }
  return { consistentPoint: exported.consistentPoint, readers, close };
}
