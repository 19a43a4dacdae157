import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { OperatingError } from '@diptych/runtime/failure';
import type { Catalogue } from '@diptych/wal/catalogue';
import { identifySystem, requireLogicalServer } from '@diptych/wal/server';
import { currentWalEnd, type Slot } from '@diptych/wal/slot';
import type { Configuration } from './configuration.ts';
import { Destination } from './destination.ts';
import { requireOwnTimeline, requireSurvivingSlot } from './failover/cross-timeline.ts';
import { refusePutBack } from './failover/crossing.ts';
import { withGap } from './gap.ts';
import { requireFitting } from './publications.ts';
import { refusal, refuseChangedOptions, refuseForeign } from './refusal.ts';
import { comparePublications, optionsHash, requirePublications } from './source.ts';

/**
 * What a relay that starts now would refuse, without fencing anybody: for `status` while none runs. Null when nothing.
 * Throws OperatingError for what may pass by itself.
 */
export async function outlook(
  catalogue: Catalogue,
  options: { configuration: Configuration; slot: Slot | null; checkpoint: Checkpoint | null },
): Promise<OperatingError | null> {
  const { configuration } = options;
  try {
    await requireAll(catalogue, options);
    return null;
  } catch (error) {
    if (!(error instanceof OperatingError) || error.retry === 'timed') throw error;
    return await withGap(error, { catalogue, configuration });
  }
}

/** The relay's own checks, in its own order. */
async function requireAll(
  catalogue: Catalogue,
  {
    configuration,
    slot,
    checkpoint,
  }: { configuration: Configuration; slot: Slot | null; checkpoint: Checkpoint | null },
): Promise<void> {
  await requireLogicalServer(catalogue);
  const source = await identifySystem(catalogue.databaseUrl);
  const readCheckpoint = async () => checkpoint;
  await requireSurvivingSlot({ catalogue, configuration, readCheckpoint, source });
  if (configuration.publication === 'given') await requireFitting(catalogue, configuration);
  const found = await requirePublications(catalogue, configuration);
  refuseForeign(checkpoint, source);
  if (!checkpoint) throw refusal('checkpoint-missing', configuration);
  // Asked for now: the slot may have been read before the checkpoint.
  refusePutBack(checkpoint, { source, walEnd: await currentWalEnd(catalogue) });
  const { reportedLsn } = await requireOwnTimeline(configuration, { checkpoint, source });
  refuseChangedOptions(checkpoint, optionsHash(found));
  await comparePublications(catalogue, { configuration, agreed: checkpoint.publications, found });
  const destination = new Destination(configuration);
  destination.resumePartitions(checkpoint.partitions);
  await destination.comparePartitions();
  if (slot && slot.confirmedFlushLsn > reportedLsn) {
    throw refusal('slot-moved-or-recreated', configuration);
  }
}
