/** What `run` does by `snapshot.mode`, before its session: docs/snapshots.md. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import { inspectSlot } from '@diptych/wal/slot';
import type { Configuration } from '../configuration.ts';
import type { Destination } from '../destination.ts';
import { initialise } from '../initialise.ts';
import type { ExportedSnapshot } from './exported-snapshot.ts';

export interface BeginOptions {
  /** Its lock ends with it. */
  readonly catalogue: Catalogue;
  readonly configuration: Configuration;
  readonly destination: Destination;
  readonly log: Logger;
  readonly stopping: AbortSignal;
}

/** Between two looks whether another relay has begun. */
const lookIntervalMs = 200;

/**
 * Where there is neither slot nor checkpoint (or, when needed, not both), makes them, with the tables to be read first.
 * Null when there is nothing to begin. One relay does it, others wait until it holds the slot. Throws OperatingError.
 */
export async function beginWithSnapshot(options: BeginOptions): Promise<ExportedSnapshot | null> {
  const { catalogue, configuration, destination, log, stopping } = options;
  const { slot: name, snapshot } = configuration;
  if (snapshot.mode === 'no_data') return null;
  await destination.ensureOwnTopics();
  for (;;) {
    const slot = await inspectSlot(catalogue, name);
    if (slot?.active) return null;
    if (await tryLock(catalogue, name)) break;
    await sleep(lookIntervalMs, undefined, { signal: stopping });
  }
  const slot = await inspectSlot(catalogue, name);
  if (slot?.active) return null;
  const checkpoint = await destination.readCheckpoint();
  const isFresh = !slot && !checkpoint;
  const isBroken = !slot || !checkpoint || slot.walStatus === 'lost';
  const isNeeded = isFresh || (isBroken && snapshot.mode === 'when_needed');
  if (!isNeeded) return null;
  const say = (line: string) => log.info({ snapshotMode: snapshot.mode }, line);
  let exported: ExportedSnapshot | null = null;
  const onExported = (state: ExportedSnapshot) => {
    exported = state;
  };
  await initialise({ configuration, fromSlot: !isFresh, say, onExported });
  return exported;
}

/** A lock of the database, until the slot is taken or the connection ends. */
async function tryLock(catalogue: Catalogue, slot: string): Promise<boolean> {
  const [row] = await catalogue.query<{ locked: boolean }>(
    `select pg_try_advisory_lock(hashtext('diptych begin'), hashtext($1)) as locked`,
    [slot],
  );
  return row?.locked ?? false;
}
