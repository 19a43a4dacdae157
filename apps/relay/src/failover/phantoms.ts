/** What Kafka holds and the promoted server never had: read from the transaction topic, refused, or parked as a list. */
import { parseIdentity } from '@diptych/kafka/identity';
import { readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless } from '@diptych/runtime/json';
import { formatLsn, type Lsn } from '@diptych/wal/lsn';
import { z } from 'zod';
import type { Configuration } from '../configuration.ts';
import type { Phantom } from '../parking/phantom-record.ts';
import type { PhantomRange } from './crossing.ts';

export interface Phantoms {
  readonly range: PhantomRange;
  /** In commit order, the first `phantomsMax`. */
  readonly listed: readonly Phantom[];
  /** How many there are, listed or not. */
  readonly count: number;
}

/** A second of traffic at most, in a failover as it should be; the range names all of them in any case. */
const phantomsMax = 10_000;

/**
 * How many offsets from the end of the transaction topic are read: its records come in commit order, so what is wanted
 * stands at the end, and two offsets are one transaction.
 */
const tails = [{ last: 1_000n }, { last: 100_000n }, 'beginning'] as const;

/**
 * The transactions of the range that are in Kafka, by their END; one that is published in part has none and is named
 * by the range. Exact after the fence. Throws what reading throws.
 */
export async function readPhantoms(configuration: Configuration, range: PhantomRange): Promise<Phantoms> {
  for (const from of tails) {
    const found = await readTail({ configuration, range, from });
    if (found.isWhole || from === 'beginning') return { range, listed: found.listed, count: found.count };
  }
  throw new Error('the last tail is the whole topic');
}

async function readTail({
  configuration,
  range,
  from,
}: {
  configuration: Configuration;
  range: PhantomRange;
  from: (typeof tails)[number];
}): Promise<{ listed: Phantom[]; count: number; isWhole: boolean }> {
  const { brokers } = configuration.kafka;
  const topics = [ownTopicNames(configuration).transaction];
  const listed: Phantom[] = [];
  // At least once one may come again.
  const seen = new Set<Lsn>();
  let isWhole = false;
  for await (const record of readToEnd({ brokers, topics, from })) {
    const identity = parseIdentity(record.headers.get('diptych-tx') ?? '');
    const { timeline, commitLsn } = identity;
    if (timeline < range.timeline || (timeline === range.timeline && commitLsn < range.from)) isWhole = true;
    if (timeline !== range.timeline || commitLsn < range.from || commitLsn > range.upTo) continue;
    if (seen.has(commitLsn)) continue;
    seen.add(commitLsn);
    if (listed.length < phantomsMax) listed.push(phantomOf(record));
  }
  return { listed, count: seen.size, isWhole };
}

const endBody = z.object({ event_count: z.number(), domain_event_count: z.number() });

function phantomOf(record: IncomingRecord): Phantom {
  const identity = parseIdentity(record.headers.get('diptych-tx') ?? '');
  const counted = endBody.safeParse(parseLossless(String(record.value)));
  return {
    commitLsn: formatLsn(identity.commitLsn),
    xid: identity.xid,
    committedAt: new Date(Number(identity.commitTimeUs / 1000n)).toISOString(),
    changes: counted.data?.event_count ?? null,
    domainEvents: counted.data?.domain_event_count ?? null,
  };
}

/** How many of them a message names; the parked list names all. */
const namedMax = 20;

/** Their refusal, which names them. */
export function phantomsRefusal({ range, listed, count }: Phantoms): OperatingError {
  const named = listed.slice(0, namedMax).map(({ commitLsn, xid }) => `${commitLsn} (xid ${xid})`);
  if (count > namedMax) named.push(`${count - namedMax} more`);
  if (range.part) named.push(`${formatLsn(range.part.lsn)} (in part)`);
  return new OperatingError(
    'kafka-ahead-of-database',
    `Kafka holds transactions that the promoted server never had, of timeline ${range.timeline} at or beyond ` +
      `${formatLsn(range.from)}, where timeline ${range.newTimeline} begins: ${named.join(', ')}`,
    {
      remedy:
        'Consumers have read them: undo there what must not stay. `diptych run --accept-phantoms` keeps their list in ' +
        'the parked topic (`diptych parked phantoms`) and goes on from the switch point, with nothing of the new ' +
        'timeline skipped. Set synchronized_standby_slots before the next failover (docs/failover.md).',
    },
  );
}
