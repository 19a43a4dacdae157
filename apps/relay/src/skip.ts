/**
 * Leaving out one transaction that can never be published. It must be the next one that has anything to publish: what
 * comes before it is the relay's to publish, and is never left out along with it.
 */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Publisher } from '@diptych/kafka/publisher';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import { formatLsn, type Lsn, lsn } from '@diptych/wal/lsn';
import { identifySystem, type SourceSystem } from '@diptych/wal/server';
import { currentWalEnd, requireSlot } from '@diptych/wal/slot';
import type { Configuration } from './configuration.ts';
import { Destination } from './destination.ts';
import { requireOwnTimeline } from './failover/cross-timeline.ts';
import { refusePutBack, refuseStale } from './failover/crossing.ts';
import { accept } from './gap.ts';
import { Panels } from './panels.ts';
import type { AcceptedGap } from './parking/parked-record.ts';
import { Parking } from './parking/parking.ts';
import { refusal, refuseForeign } from './refusal.ts';
import { type Beginning, refusedSkip, SkipSearch } from './skip-search.ts';
import { describeTables, requirePublications, tablesOf } from './source.ts';

export interface SkipOptions {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  /** Start of the commit record: what the relay's error names. */
  readonly commitLsn: Lsn;
  readonly log: Logger;
}

/**
 * Where the stream goes on. The server leaves out a transaction whose commit record begins before the confirmed
 * position, and only such ones: one byte behind that beginning leaves out this one and none of its neighbours, and its
 * end, which nobody may be able to read, need not be known.
 */
export const behind = (commitLsn: Lsn): Lsn => lsn(commitLsn + 1n);

/**
 * Holds the slot and fences the publisher, looks for the transaction in the stream, and writes the gap and a checkpoint
 * behind it in one Kafka transaction. The slot stays where it is: `advanceSlot` moves it once it is free. If nobody does,
 * the next session reports that position, unless the server cannot even send the transaction and fails before. So of one
 * that is written down already the answer is null: only the slot is left to be moved. Throws OperatingError: `slot-held`,
 * `skip-refused`, and what a relay that starts refuses.
 */
export async function skipTransaction(options: SkipOptions): Promise<AcceptedGap | null> {
  const { configuration, catalogue, commitLsn } = options;
  await requireSlot(catalogue, configuration.slot);
  const source = await identifySystem(catalogue.databaseUrl);
  const destination = new Destination(configuration);
  const last = await destination.readCheckpoint();
  refuseForeign(last, source);
  refuseStale(last, source);
  refusePutBack(last, { source, walEnd: await currentWalEnd(catalogue) });
  if (last && isSkipped(last, commitLsn)) return null;
  const search = new SkipSearch(catalogue.databaseUrl, configuration);
  let publisher: Publisher | null = null;
  try {
    await search.hold();
    publisher = destination.createPublisher(source);
    await publisher.fence();
    const checkpoint = await requireAhead(await destination.readCheckpoint(), { ...options, source });
    destination.resumePartitions(checkpoint.partitions);
    const panels = await panelsFor(checkpoint, { ...options, source });
    const found = await search.find({ commitLsn, checkpoint, panels });
    const gap = accept(
      { from: commitLsn, to: behind(commitLsn) },
      { reason: 'transaction-skipped', detail: describe(found, checkpoint) },
    );
    const next = { ...checkpoint, lsn: commitLsn, part: null, reportedLsn: behind(commitLsn) };
    await publisher.publish(destination.checkpointBehind([destination.gapRecord(gap)], next));
    return gap;
  } finally {
    await Promise.all([search.end(), publisher?.close()]);
  }
}

/** Behind a transaction that was published the reported position is its end, never one byte behind its beginning. */
const isSkipped = ({ lsn: last, reportedLsn }: Checkpoint, commitLsn: Lsn): boolean =>
  last === commitLsn && reportedLsn === behind(commitLsn);

/** The checkpoint, which the transaction must lie behind, and the end of the WAL before which it must lie. */
async function requireAhead(
  last: Checkpoint | null,
  { configuration, catalogue, commitLsn, source }: SkipOptions & { readonly source: SourceSystem },
): Promise<Checkpoint> {
  if (!last) throw refusal('checkpoint-missing', configuration);
  const checkpoint = await requireOwnTimeline(configuration, { checkpoint: last, source });
  const { confirmedFlushLsn, walEnd } = await requireSlot(catalogue, configuration.slot);
  const { reportedLsn, lsn: published } = checkpoint;
  if (confirmedFlushLsn > reportedLsn) throw refusal('slot-moved-or-recreated', configuration);
  if (commitLsn < reportedLsn || commitLsn <= published)
    throw refusedSkip(`everything before ${formatLsn(reportedLsn)} is published already`);
  if (commitLsn >= walEnd) throw refusedSkip(`the WAL ends at ${formatLsn(walEnd)}`);
  return checkpoint;
}

/** The relay's own way of making records, to see which transactions have any. */
async function panelsFor(
  checkpoint: Checkpoint,
  { configuration, catalogue, source, log }: SkipOptions & { readonly source: SourceSystem },
): Promise<Panels> {
  const found = await requirePublications(catalogue, configuration);
  const { poison } = await Parking.open({ configuration, catalogue, log, progress: checkpoint, source });
  return new Panels({
    ...{ configuration, source, poison, log },
    described: await describeTables(catalogue),
    changeTables: tablesOf(found, configuration.change.publication),
  });
}

function describe({ xid, commitLsn, commitTimeUs }: Beginning, { part }: Checkpoint): string {
  const at = new Date(Number(commitTimeUs / 1000n)).toISOString();
  const half =
    part?.lsn === commitLsn ? `; its first ${part.seq} messages are published, without an END` : '';
  return `transaction ${xid} of ${at}${half}`;
}
