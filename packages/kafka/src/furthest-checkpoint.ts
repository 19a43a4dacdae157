/**
 * Which checkpoint counts. Exactly once it is the last one. At least once nobody is fenced: a relay that lost the slot and
 * does not know it yet may write one that says less after one that says more. Each is true of what is in Kafka, so what
 * they say together is true as well, in whatever order they stand.
 */
import type { Lsn } from '@diptych/wal/lsn';

/** What is compared of a checkpoint. */
export interface Stated {
  readonly systemId: string;
  readonly database: string;
  readonly era: number;
  readonly timeline: number;
  readonly lsn: Lsn;
  readonly part: { readonly lsn: Lsn; readonly seq: number } | null;
  readonly reportedLsn: Lsn;
  readonly optionsHash: string;
  readonly partitions: Readonly<Record<string, number>>;
}

/**
 * What checkpoints say together, in the order of the log; null ends a slot's story, and what stands before it counts no
 * more. A newer era (`diptych init` began anew) or timeline (the server was promoted, and others may still listen to the
 * one before) replaces what an older one said.
 */
export function furthestCheckpoint<C extends Stated>(log: Iterable<C | null>): C | null {
  let furthest: C | null = null;
  for (const one of log) {
    if (one === null || furthest === null) furthest = one;
    else furthest = together(furthest, one);
  }
  return furthest;
}

function together<C extends Stated>(a: C, b: C): C {
  // Somebody else's story under our name is refused by whoever reads it, and not mixed with ours.
  if (a.systemId !== b.systemId || a.database !== b.database) return b;
  const older = a.era - b.era || a.timeline - b.timeline;
  if (older !== 0) return older < 0 ? b : a;
  const lsn = max(a.lsn, b.lsn);
  const owner = furtherPart(a, b);
  const isWhole = owner.part === null || owner.part.lsn <= lsn;
  const [behind, ahead] = b.reportedLsn >= a.reportedLsn ? [a, b] : [b, a];
  return {
    ...ahead,
    lsn,
    part: isWhole ? null : owner.part,
    reportedLsn: ahead.reportedLsn,
    // A topic that only one of them has published to is agreed on all the same.
    partitions: { ...behind.partitions, ...ahead.partitions },
    // What a half published transaction was cut by is said by whoever published it.
    ...(isWhole ? {} : { optionsHash: owner.optionsHash }),
  };
}

function furtherPart<C extends Stated>(a: C, b: C): C {
  if (a.part === null || b.part === null) return a.part === null ? b : a;
  if (a.part.lsn !== b.part.lsn) return a.part.lsn > b.part.lsn ? a : b;
  return a.part.seq > b.part.seq ? a : b;
}

const max = (a: Lsn, b: Lsn): Lsn => (a > b ? a : b);
