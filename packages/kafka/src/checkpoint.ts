/**
 * The checkpoint: the position kept in Kafka, committed with the records that it covers (docs/wire.md, "Records").
 * LSNs are PostgreSQL's text form in JSON, `16/B374D848`.
 */
import { OperatingError } from '@diptych/runtime/failure';
import { parseLossless, stringifyLossless } from '@diptych/runtime/json';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { formatLsn, type Lsn, parseLsn } from '@diptych/wal/lsn';
import { classify } from './classify.ts';
import { Fields } from './fields.ts';
import { furthestCheckpoint } from './furthest-checkpoint.ts';
import { readToEnd } from './partition-reader.ts';
import type { OutgoingRecord } from './record.ts';
import { readSnapshotLog, type SnapshotLog } from './snapshot-log.ts';

export interface Checkpoint {
  readonly v: 1;
  readonly slot: string;
  /** The server's system identifier: 64 bit, as decimal text. */
  readonly systemId: string;
  readonly database: string;
  readonly timeline: number;
  /** When `diptych init` began the slot's story, in ms since 1970: what an older era says counts no more. */
  readonly era: number;
  /** Commit LSN of the last transaction that is whole in Kafka. */
  readonly lsn: Lsn;
  /** A bigger transaction of which only the first `seq` raw messages are in Kafka. */
  readonly part: { readonly lsn: Lsn; readonly seq: number } | null;
  /** The position that may be reported to the server once this checkpoint is committed. */
  readonly reportedLsn: Lsn;
  readonly optionsHash: string;
  readonly publications: Readonly<
    Record<
      string,
      {
        readonly oid: number;
        /** Its operations and where partitions appear. */
        readonly options: string;
        /** `schema.table` */
        readonly tables: readonly string[];
        /** Under which terms it holds each table. */
        readonly memberships: readonly string[];
      }
    >
  >;
  /** By topic, into how many partitions its keys are placed. */
  readonly partitions: Readonly<Record<string, number>>;
  /** What snapshots have read and have yet to read; null before the first one. */
  readonly snapshot: SnapshotLog | null;
}

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const { lsn, part, reportedLsn, ...rest } = checkpoint;
  const text = {
    ...rest,
    lsn: formatLsn(lsn),
    part: part && { lsn: formatLsn(part.lsn), seq: part.seq },
    reportedLsn: formatLsn(reportedLsn),
  };
  return Buffer.from(stringifyLossless(text));
}

/** The record that carries a checkpoint. */
export function checkpointRecord(
  checkpoint: Checkpoint,
  { topic, timestampMs }: { topic: string; timestampMs: number },
): OutgoingRecord {
  return {
    topic,
    key: Buffer.from(checkpoint.slot),
    value: encodeCheckpoint(checkpoint),
    headers: [],
    timestampMs,
  };
}

/** Throws OperatingError `checkpoint-unreadable`, which names the field. */
export function decodeCheckpoint(value: Buffer): Checkpoint {
  try {
    return checkpointOf(new Fields(parseLossless(value.toString()), 'checkpoint'));
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new OperatingError('checkpoint-unreadable', `the checkpoint cannot be read: ${text}`, {
      remedy:
        'It was written by a newer Diptych or by something else: use that version, or another prefix and slot.',
      cause,
    });
  }
}

function checkpointOf(fields: Fields): Checkpoint {
  if (fields.integer('v') !== 1) throw new TypeError(`version ${fields.integer('v')} is not known`);
  const part = fields.optional('part');
  const snapshot = fields.optional('snapshot');
  const publications = fields.object('publications');
  // Version 0.1 wrote none: each topic is agreed on with its next record.
  const partitions = fields.has('partitions') ? fields.object('partitions') : new Fields({}, 'partitions');
  return {
    v: 1,
    slot: fields.text('slot'),
    systemId: fields.text('systemId'),
    database: fields.text('database'),
    timeline: fields.integer('timeline'),
    // Version 0.1 wrote none.
    era: fields.has('era') ? fields.integer('era') : 0,
    lsn: parseLsn(fields.text('lsn')),
    part: part && { lsn: parseLsn(part.text('lsn')), seq: part.integer('seq') },
    reportedLsn: parseLsn(fields.text('reportedLsn')),
    optionsHash: fields.text('optionsHash'),
    publications: Object.fromEntries(
      publications.names().map((name) => {
        const publication = publications.object(name);
        return [
          name,
          {
            oid: publication.integer('oid'),
            options: publication.text('options'),
            tables: publication.texts('tables'),
            memberships: publication.texts('memberships'),
          },
        ];
      }),
    ),
    partitions: Object.fromEntries(partitions.names().map((topic) => [topic, partitions.integer(topic)])),
    snapshot: snapshot && readSnapshotLog(snapshot),
  };
}

export interface ReadCheckpointOptions {
  readonly brokers: Brokers;
  readonly topic: string;
  readonly slot: string;
  readonly signal?: AbortSignal | undefined;
  /** Default 60 s. */
  readonly timeoutMs?: number;
}

/**
 * A checkpoint and its commit marker take two offsets: the newest one is among the last few. At least once a relay that
 * lost the slot may write one for each batch that it still holds: twice `queueBytesMax` / `batchBytesMax`, 4 by default.
 */
const tailOffsets = 100n;

/**
 * What the committed checkpoints of the slot say together (`furthestCheckpoint`): exactly once that is the last one; null
 * when there is none. Exact once the publisher is fenced: then nothing of ours is open, and the last stable offset is
 * the end.
 * Throws OperatingError: `checkpoint-unreadable`, `kafka-refused` (unknown topic), `kafka-unreachable`.
 */
export async function readCheckpoint(options: ReadCheckpointOptions): Promise<Checkpoint | null> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 60_000);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  try {
    const tail = { last: tailOffsets };
    return (
      (await furthestOf({ ...options, signal, from: tail })) ??
      (await furthestOf({ ...options, signal, from: 'beginning' }))
    );
  } catch (error) {
    options.signal?.throwIfAborted();
    throw classify(error, 'asking');
  }
}

async function furthestOf(
  options: ReadCheckpointOptions & { signal: AbortSignal; from: 'beginning' | { readonly last: bigint } },
): Promise<Checkpoint | null> {
  const key = Buffer.from(options.slot);
  let furthest: Checkpoint | null = null;
  const { brokers, topic, from, signal } = options;
  for await (const record of readToEnd({ brokers, topics: [topic], from, signal })) {
    if (!record.key?.equals(key)) continue;
    furthest = furthestCheckpoint([furthest, record.value && decodeCheckpoint(record.value)]);
  }
  return furthest;
}
