/**
 * A failover seen from the checkpoint: it was written on one timeline, the server is on another. Both have the same WAL
 * up to the point where the newer timeline begins, and nothing in common behind it (docs/failover.md).
 */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { OperatingError } from '@diptych/runtime/failure';
import { formatLsn, type Lsn, lsn } from '@diptych/wal/lsn';
import type { SourceSystem } from '@diptych/wal/server';

/** Transactions of an abandoned part of a timeline that are in Kafka: from `from` up to `upTo`, commit LSNs. */
export interface PhantomRange {
  readonly timeline: number;
  readonly newTimeline: number;
  /** The switch point: the first position that belongs to the newer timeline. */
  readonly from: Lsn;
  readonly upTo: Lsn;
  /** The last of them, when Kafka has only its first `seq` raw messages. */
  readonly part: Checkpoint['part'];
}

export type Crossing =
  /** The checkpoint is of the server's own timeline. */
  | { readonly tag: 'none' }
  /** All that Kafka holds is on the server: `checkpoint` is what goes on. */
  | { readonly tag: 'crossed'; readonly checkpoint: Checkpoint }
  /** Kafka holds what the server never had; with that accepted, `checkpoint` is what goes on. */
  | { readonly tag: 'ahead'; readonly phantoms: PhantomRange; readonly checkpoint: Checkpoint }
  /** The checkpoint's timeline is no ancestor of the server's. */
  | { readonly tag: 'unrelated' }
  /** The server is on an older timeline: one that was left behind by a failover. */
  | { readonly tag: 'stale' };

/**
 * Where the checkpoint stands in the server's history. A position of it beyond the switch point means nothing on the
 * newer timeline, which has other transactions at the same LSNs: what goes on ends at the switch point, or the server
 * would be told to forget, and the relay would skip, transactions that were never published.
 */
export function crossingOf(checkpoint: Checkpoint, { timeline, history }: SourceSystem): Crossing {
  if (checkpoint.timeline === timeline) return { tag: 'none' };
  if (checkpoint.timeline > timeline) return { tag: 'stale' };
  const switched = history.find((one) => one.timeline === checkpoint.timeline);
  if (!switched) return { tag: 'unrelated' };
  const from = switched.switchLsn;
  const reportedLsn = earlier(checkpoint.reportedLsn, from);
  const upTo = checkpoint.part?.lsn ?? checkpoint.lsn;
  if (upTo < from) return { tag: 'crossed', checkpoint: { ...checkpoint, timeline, reportedLsn } };
  const { part } = checkpoint;
  const phantoms = { timeline: checkpoint.timeline, newTimeline: timeline, from, upTo, part };
  // Transactions come in commit order, so all before the switch point are in Kafka, whole.
  const rewritten = { ...checkpoint, timeline, lsn: lsn(from - 1n), part: null, reportedLsn };
  return { tag: 'ahead', phantoms, checkpoint: rewritten };
}

/** The checkpoint in positions of the server's own timeline, whatever Kafka holds beyond; as it is where nothing tells. */
export function onTimelineOf(checkpoint: Checkpoint, source: SourceSystem): Checkpoint {
  const crossing = crossingOf(checkpoint, source);
  return 'checkpoint' in crossing ? crossing.checkpoint : checkpoint;
}

const earlier = (a: Lsn, b: Lsn): Lsn => (a < b ? a : b);
const later = (a: Lsn, b: Lsn): Lsn => (a > b ? a : b);

/** Before anything is fenced: a relay on the server that was left behind must not disturb the one on the new primary. */
export function refuseStale(checkpoint: Checkpoint | null, source: SourceSystem): void {
  if (checkpoint && crossingOf(checkpoint, source).tag === 'stale') throw staleServer(checkpoint, source);
}

/** The server is not the primary any more, whatever it says. */
export function staleServer(checkpoint: Checkpoint, { timeline }: SourceSystem): OperatingError {
  return new OperatingError(
    'timeline-stale',
    `the server is on timeline ${timeline}, the checkpoint on ${checkpoint.timeline}: a failover left this server behind`,
    {
      remedy:
        'Stop that server, or make it a standby of the new primary. The relay tries again until ' +
        'DIPTYCH_DATABASE_URL leads it to the new one.',
    },
  );
}

/**
 * A database that was put back to an older state of the same timeline: what it writes next stands at positions that Kafka
 * holds already, and would be taken for published. Only a WAL that has not yet grown beyond the checkpoint tells. Null when
 * nothing does; `walEnd` is read after the checkpoint.
 */
export function putBack(
  {
    timeline,
    lsn: published,
    part,
    reportedLsn,
  }: Pick<Checkpoint, 'timeline' | 'lsn' | 'part' | 'reportedLsn'>,
  { source, walEnd }: { source: Pick<SourceSystem, 'timeline'>; walEnd: Lsn },
): OperatingError | null {
  const furthest = later(later(published, reportedLsn), part?.lsn ?? published);
  if (timeline !== source.timeline || furthest <= walEnd) return null;
  return new OperatingError(
    'kafka-ahead-of-database',
    `Kafka is at ${formatLsn(furthest)}, the database’s WAL ends at ${formatLsn(walEnd)}: it was put back to an older state`,
    {
      remedy:
        'Put the newer state back, or the older one by archive recovery, which begins a timeline: then the relay names what ' +
        'only Kafka has (docs/failover.md). `diptych init --from-slot` goes on as it is: what is in Kafka stays, what ' +
        'both have may come again, and new transactions stand at positions that others had.',
    },
  );
}

/** Throws OperatingError `kafka-ahead-of-database` when the database was put back (`putBack`). */
export function refusePutBack(
  checkpoint: Checkpoint | null,
  now: { source: SourceSystem; walEnd: Lsn },
): void {
  const refused = checkpoint && putBack(checkpoint, now);
  if (refused) throw refused;
}

/** The server never had the checkpoint's timeline: nobody can tell what they have in common. */
export function unrelatedTimeline(checkpoint: Checkpoint, { timeline }: SourceSystem): OperatingError {
  const last = formatLsn(checkpoint.part?.lsn ?? checkpoint.lsn);
  return new OperatingError(
    'kafka-ahead-of-database',
    `Kafka holds transactions up to ${last} of timeline ${checkpoint.timeline}, which is no ancestor of the server's timeline ${timeline}`,
    {
      remedy:
        'Promote a standby of the server that the relay streamed from. `diptych init --from-slot` goes on from the ' +
        'slot’s position: what is in Kafka stays, and part of it may come again.',
    },
  );
}
