/** The first session after a failover. */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Publisher } from '@diptych/kafka/publisher';
import { ownTopicNames } from '@diptych/kafka/topics';
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Catalogue } from '@diptych/wal/catalogue';
import { formatLsn } from '@diptych/wal/lsn';
import type { SourceSystem } from '@diptych/wal/server';
import { requireSlot } from '@diptych/wal/slot';
import type { Configuration } from '../configuration.ts';
import { encodePhantoms } from '../parking/phantom-record.ts';
import type { SessionContext } from '../session-context.ts';
import { crossingOf, refuseStale, staleServer, unrelatedTimeline } from './crossing.ts';
import { type Phantoms, phantomsRefusal, readPhantoms } from './phantoms.ts';

/**
 * The checkpoint that a session goes on from, on the server's own timeline. Throws OperatingError:
 * `kafka-ahead-of-database` unless the operator accepted the phantoms, `timeline-stale`.
 */
export async function crossTimeline(
  context: Pick<SessionContext, 'configuration' | 'destination' | 'source' | 'log' | 'acceptPhantoms'>,
  { checkpoint, publisher }: { checkpoint: Checkpoint; publisher: Publisher },
): Promise<Checkpoint> {
  const { source, log, configuration, acceptPhantoms } = context;
  const crossing = crossingOf(checkpoint, source);
  if (crossing.tag === 'ahead' && acceptPhantoms) {
    const phantoms = await readPhantoms(configuration, crossing.phantoms);
    await accept(context, { phantoms, checkpoint: crossing.checkpoint, publisher });
    return crossing.checkpoint;
  }
  const crossed = await requireOwnTimeline(configuration, { checkpoint, source });
  if (crossing.tag === 'crossed')
    log.info({ from: checkpoint.timeline, to: source.timeline }, 'the server is on a newer timeline');
  return crossed;
}

/**
 * The checkpoint on the server's own timeline, without anything written or accepted. Throws OperatingError:
 * `kafka-ahead-of-database`, `timeline-stale`.
 */
export async function requireOwnTimeline(
  configuration: Configuration,
  { checkpoint, source }: { checkpoint: Checkpoint; source: SourceSystem },
): Promise<Checkpoint> {
  const crossing = crossingOf(checkpoint, source);
  switch (crossing.tag) {
    case 'none':
      return checkpoint;
    case 'crossed':
      return crossing.checkpoint;
    case 'ahead':
      throw phantomsRefusal(await readPhantoms(configuration, crossing.phantoms));
    case 'unrelated':
      throw unrelatedTimeline(checkpoint, source);
    case 'stale':
      throw staleServer(checkpoint, source);
    default:
      return unreachable(crossing);
  }
}

/** Their list and the checkpoint at the switch point in one Kafka transaction: both, or neither and the refusal again. */
async function accept(
  { configuration, destination, log }: Pick<SessionContext, 'configuration' | 'destination' | 'log'>,
  { phantoms, checkpoint, publisher }: { phantoms: Phantoms; checkpoint: Checkpoint; publisher: Publisher },
): Promise<void> {
  const { range, listed, count } = phantoms;
  const { timeline, newTimeline, part } = range;
  const body = {
    ...{ timeline, newTimeline, from: formatLsn(range.from), upTo: formatLsn(range.upTo) },
    part: part && { lsn: formatLsn(part.lsn), seq: part.seq },
    ...{ count, phantoms: [...listed] },
  };
  const { slot } = configuration;
  const records = encodePhantoms(body, { parkedTopic: ownTopicNames(configuration).parked, slot });
  await publisher.publish(destination.checkpointBehind(records, checkpoint));
  const { phantoms: _phantoms, ...said } = body;
  log.warn(said, 'going on over phantoms, as asked; `diptych parked phantoms` lists them');
}

/**
 * The slot must be there. A promoted server has it only when it was a standby that synchronised it: `slot-lost` says so,
 * `slot-missing` that there never was one here.
 */
export async function requireSurvivingSlot({
  catalogue,
  configuration,
  readCheckpoint,
  source,
}: {
  catalogue: Catalogue;
  configuration: Configuration;
  readCheckpoint: () => Promise<Checkpoint | null>;
  source: SourceSystem;
}): Promise<void> {
  try {
    await requireSlot(catalogue, configuration.slot);
  } catch (error) {
    if (!(error instanceof OperatingError) || error.code !== 'slot-missing' || source.timeline === 1)
      throw error;
    const checkpoint = await readCheckpoint();
    if (!checkpoint || checkpoint.systemId !== source.systemId) throw error;
    refuseStale(checkpoint, source);
    if (checkpoint.timeline === source.timeline) throw error;
    throw new OperatingError(
      'slot-lost',
      `the promoted server has no slot ${configuration.slot}: it was not synchronised there`,
      {
        remedy:
          `What was committed after ${formatLsn(checkpoint.reportedLsn)} is not in Kafka. \`diptych init --from-slot\` ` +
          'makes a new slot that begins now; `diptych snapshot` reads the tables if you need what lies between. ' +
          'docs/failover.md says what makes the next failover keep the slot.',
        cause: error,
      },
    );
  }
}
