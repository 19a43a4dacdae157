/** What a session reads between its fence and its stream. */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Publisher } from '@diptych/kafka/publisher';
import { type Lsn, lsnZero } from '@diptych/wal/lsn';
import { currentWalEnd, endTurn } from '@diptych/wal/slot';
import { keepInStep, refuseBrokenAgreement } from './agreement.ts';
import { checkColumns, keysWithoutIdentity, readColumns } from './column-check.ts';
import { crossTimeline } from './failover/cross-timeline.ts';
import { refusePutBack, refuseStale } from './failover/crossing.ts';
import { requireOwnSlot } from './own-slot.ts';
import { Panels } from './panels.ts';
import { Parking } from './parking/parking.ts';
import { resumePartitions } from './partition-watch.ts';
import { createMissing } from './publications.ts';
import { refuseForeign } from './refusal.ts';
import type { SessionContext } from './session-context.ts';
import { configuredTables } from './snapshot/selection.ts';
import { Snapshots } from './snapshot/snapshots.ts';
import { agreementOn, describeTables, optionsHash, requirePublications, tablesOf } from './source.ts';

export interface Preparation {
  /** The checkpoint, with what is agreed from now on; null when there is none. */
  readonly checkpoint: Checkpoint | null;
  readonly confirmedFlushLsn: Lsn;
  readonly parking: Parking;
  readonly panels: Panels;
  readonly snapshots: Snapshots;
}

/**
 * Before anything is fenced: a relay of another database, of a server that a failover left behind, or of an older copy of
 * the database must not disturb the one that is right. Throws OperatingError: `checkpoint-foreign`, `timeline-stale`,
 * `kafka-ahead-of-database`.
 */
export async function look({
  catalogue,
  destination,
  source,
}: Pick<SessionContext, 'catalogue' | 'destination' | 'source'>): Promise<void> {
  await endTurn(catalogue);
  const checkpoint = await destination.readCheckpoint();
  refuseForeign(checkpoint, source);
  refuseStale(checkpoint, source);
  refusePutBack(checkpoint, { source, walEnd: await currentWalEnd(catalogue) });
}

/**
 * The authoritative read: after the fence nothing of ours is open, so what is committed now stays the last. Throws
 * OperatingError for a checkpoint or publications that do not fit, and `replication-ended` when the slot is no longer
 * held by `backendPid`. What the operator accepted is written down by the fenced `publisher`, with the checkpoint that goes
 * on behind it.
 */
export async function prepare(
  context: SessionContext,
  { backendPid, publisher }: { backendPid: number | null; publisher: Publisher },
): Promise<Preparation> {
  const { catalogue, configuration, destination, source, log } = context;
  const read = await destination.readCheckpoint();
  refuseForeign(read, source);
  const { confirmedFlushLsn, walEnd } = await requireOwnSlot(context, backendPid);
  refusePutBack(read, { source, walEnd });
  const placesAnew = read !== null && (await resumePartitions(context, read));
  const checkpoint = read && (await crossTimeline(context, { checkpoint: read, publisher }));
  // Whatever was lost with one that is gone is accepted, and written down below.
  if (context.acceptGap) await createMissing(catalogue, configuration);
  const asFound = await requirePublications(catalogue, configuration);
  const gap = checkpoint && (await refuseBrokenAgreement(context, { checkpoint, found: asFound }));
  const found = checkpoint
    ? await keepInStep(context, { found: asFound, isStart: true, isDivided: checkpoint.part !== null })
    : asFound;
  const agreed = checkpoint && {
    ...checkpoint,
    optionsHash: optionsHash(found),
    publications: agreementOn(found),
  };
  const { change } = configuration;
  const columns = await readColumns(catalogue, change.publication);
  checkColumns(change, columns);
  for (const lacking of keysWithoutIdentity(change, columns))
    log.warn(lacking, 'a chosen key column is not part of the replica identity: only inserts have a key');
  // A setting that fits no table is wrong whenever it would be used.
  await configuredTables(catalogue, configuration);
  // In one Kafka transaction: nobody has to accept it again, and nobody goes on without a word of it.
  if (agreed && (gap || placesAnew))
    await publisher.publish(destination.checkpointBehind(gap ? [destination.gapRecord(gap)] : [], agreed));
  const progress = checkpoint ?? { lsn: lsnZero, part: null, reportedLsn: lsnZero };
  const parking = await Parking.open({ configuration, catalogue, log, progress, source });
  const snapshots = await Snapshots.open({ ...context, snapshotLog: checkpoint?.snapshot ?? null });
  // What is behind the checkpoint comes no more.
  snapshots.watch.passed(progress.reportedLsn);
  const panels = new Panels({
    configuration,
    poison: parking.poison,
    source,
    log,
    described: await describeTables(catalogue),
    changeTables: tablesOf(found, change.publication),
    onItem: (item) => snapshots.watch.see(item),
  });
  return { checkpoint: agreed, confirmedFlushLsn, parking, panels, snapshots };
}
