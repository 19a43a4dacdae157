/** The checkpoint that a slot's story begins with, and what is told of that. */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Publisher } from '@diptych/kafka/publisher';
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import type { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import type { Catalogue } from '@diptych/wal/catalogue';
import { formatLsn, lsnZero } from '@diptych/wal/lsn';
import { inspectPublications } from '@diptych/wal/publication';
import type { SourceSystem } from '@diptych/wal/server';
import { requireSlot, type Slot } from '@diptych/wal/slot';
import type { Configuration } from './configuration.ts';
import type { Destination } from './destination.ts';
import { onTimelineOf } from './failover/crossing.ts';
import { accept } from './gap.ts';
import type { AcceptedGap } from './parking/parked-record.ts';
import { refuseForeign } from './refusal.ts';
import { SlotHold } from './slot-hold.ts';
import { agreementOn, optionsHash } from './source.ts';

/** Markers reach a partition within milliseconds; a broker that restarts in between needs seconds. */
const checkpointVisibleTimeoutMs = 30_000;

export interface FirstCheckpointOptions {
  readonly catalogue: Catalogue;
  readonly configuration: Configuration;
  readonly source: SourceSystem;
  readonly destination: Destination;
  /** Why slot and checkpoint did not belong together. */
  readonly broken: OperatingError | null;
  /** The tables that are to be read; null: what was left of those before. */
  readonly snapshot: SnapshotLog | null;
  readonly say: (line: string) => void;
  /** Asked before what is published already comes again. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
}

/**
 * Writes it at the slot's position, while the slot is held: a relay that took it in between would publish and report, and
 * its checkpoint be replaced by an older position. Answers false when `confirm` declined. Throws OperatingError,
 * `slot-held` when a relay has the slot.
 */
export async function writeFirstCheckpoint(options: FirstCheckpointOptions): Promise<boolean> {
  const { catalogue, configuration, source, destination, broken, say, confirm } = options;
  const name = configuration.slot;
  const hold = await SlotHold.take(catalogue, configuration);
  const publisher = destination.createPublisher(source);
  try {
    await publisher.fence();
    // Only now both stand still.
    const slot = await requireSlot(catalogue, name);
    const before = await destination.readCheckpoint();
    refuseForeign(before, source);
    const known = before && onTimelineOf(before, source);
    const again = known && repeatOf(slot, known);
    if (again && confirm && !(await confirm(`Slot ${name}: ${again}. Go on?`))) return false;
    if (again) say(`slot ${name}: ${again}`);
    const gap = gapBefore(slot, { checkpoint: known, broken });
    hold.requireHeld();
    await write({ ...options, slot, gap, before, publisher });
    if (gap)
      say(`slot ${name}: the gap is written down in the parked topic (${gap.from ?? '?'} to ${gap.to})`);
    say(`slot ${name}: begins at ${formatLsn(slot.confirmedFlushLsn)}`);
    return true;
  } finally {
    await Promise.all([publisher.close(), hold.end()]);
  }
}

/** What the server sends again of what Kafka holds, in words; null when that is nothing. */
function repeatOf({ confirmedFlushLsn: from }: Slot, { reportedLsn, part }: Checkpoint): string | null {
  const half = part && part.lsn >= from ? `; of the transaction at ${formatLsn(part.lsn)} its beginning` : '';
  if (from >= reportedLsn && half === '') return null;
  const bytes = reportedLsn > from ? reportedLsn - from : 0n;
  const to = formatLsn(reportedLsn > from ? reportedLsn : from);
  return `what is published already from ${formatLsn(from)} to ${to} comes again (${bytes} bytes of WAL${half})`;
}

/** What `--from-slot` leaves out, for the parked topic; null when it leaves out nothing. */
function gapBefore(
  { confirmedFlushLsn }: Slot,
  { checkpoint, broken }: { checkpoint: Checkpoint | null; broken: OperatingError | null },
): AcceptedGap | null {
  const from = checkpoint?.reportedLsn ?? null;
  // Of a database that was put back it is the other way round: only Kafka has what lies between.
  const ahead = from !== null && broken?.code === 'kafka-ahead-of-database';
  const gap = ahead ? { from: confirmedFlushLsn, to: from } : { from, to: confirmedFlushLsn };
  if (broken) return accept(gap, { reason: broken.code, detail: broken.message });
  if (gap.from === null || gap.to <= gap.from) return null;
  const detail = 'the slot is beyond what this relay ever reported';
  return accept(gap, { reason: 'slot-moved-or-recreated', detail });
}

async function write({
  catalogue,
  configuration,
  source,
  destination,
  slot,
  gap,
  before,
  publisher,
  snapshot,
}: FirstCheckpointOptions & {
  readonly slot: Slot;
  readonly gap: AcceptedGap | null;
  /** The checkpoint that this one follows. */
  readonly before: Checkpoint | null;
  readonly publisher: Publisher;
}): Promise<void> {
  const names = [configuration.outbox.publication, configuration.change.publication];
  const publications = await inspectPublications(catalogue, names);
  if (before) destination.resumePartitions(before.partitions);
  // Later than every one before, also when the clock was set back.
  const era = Math.max(Date.now(), (before?.era ?? 0) + 1);
  const first = {
    v: 1 as const,
    slot: slot.name,
    systemId: source.systemId,
    database: source.database,
    timeline: source.timeline,
    era,
    lsn: lsnZero,
    part: null,
    reportedLsn: slot.confirmedFlushLsn,
    optionsHash: optionsHash(publications),
    publications: agreementOn(publications),
    snapshot: snapshot ?? before?.snapshot ?? null,
  };
  const accepted = gap ? [destination.gapRecord(gap)] : [];
  await publisher.publish(destination.checkpointBehind(accepted, first));
  // The commit is decided before readers see it; the next command must not take this one for undone.
  const isRead = async () => (await destination.readCheckpoint())?.era === era || undefined;
  await poll(isRead, {
    what: 'the first checkpoint can be read',
    timeoutMs: checkpointVisibleTimeoutMs,
  });
}
