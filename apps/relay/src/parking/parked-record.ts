/**
 * What stands in the parked topic: records that were set aside, commands of people, and what became of them
 * (docs/parking.md, docs/wire.md "Records").
 */
import { createHash } from 'node:crypto';
import { isPassed } from '@diptych/delivery/intake';
import type { Progress } from '@diptych/delivery/protocol';
import { identityHeader, parseIdentity } from '@diptych/kafka/identity';
import type { IncomingRecord, OutgoingRecord, RecordHeader } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { formatLsn, formatLsnSortable, type Lsn } from '@diptych/wal/lsn';
import type { SourceSystem } from '@diptych/wal/server';
import { timelineOf } from '@diptych/wal/timeline';
import { z } from 'zod';
import { type PhantomList, phantomListOf, phantomsHeader } from './phantom-record.ts';

/** Beyond it a value is kept by reference: a parked record must fit a topic of Kafka's default, 1 MiB, in base64. */
export const keptBytesMax = 256 * 1024;

/** The reason of a record that is sound itself, and waits behind one of its key. */
export const behindParked = 'behind-parked';

const parkedHeader = 'diptych-parked';
const detailHeader = 'diptych-parked-detail';
const commandHeader = 'diptych-command';
const executedHeader = 'diptych-executed';
const gapHeader = 'diptych-gap';
const slotHeader = 'diptych-slot';
/** The partition that the record asks for, where that is not its key's. */
const partitionHeader = 'diptych-parked-partition';
export const releasedHeader = 'diptych-released';
const ownHeaders = new Set([...[identityHeader, parkedHeader, detailHeader, slotHeader, partitionHeader]]);

const parkedBody = z.object({
  panel: z.enum(['domain', 'change']),
  topic: z.string().nullable(),
  reason: z.string(),
  bytes: z.number().int(),
  sha256: z.string().nullable(),
  /** base64 */
  value: z.string().nullable(),
});

const commandBody = z.object({
  request: z.string(),
  command: z.enum(['release', 'discard']),
  id: z.string(),
  reason: z.string().nullable(),
});

const executedBody = commandBody.extend({
  released: z.array(z.string()),
  discarded: z.array(z.string()),
  /** What the next round begins with; null when there is none. */
  next: z.string().nullable(),
  /** The first that stays parked, and why. */
  remains: z.object({ id: z.string(), reason: z.string(), remedy: z.string() }).nullable(),
});

const gapBody = z.object({
  /** Text form of an LSN; null: where it begins is not known. */
  from: z.string().nullable(),
  to: z.string(),
  /** The code of the refusal that was accepted. */
  reason: z.string(),
  detail: z.string(),
  acceptedBy: z.string(),
  /** ISO 8601 */
  acceptedAt: z.string(),
});

/** A record that was set aside. `value` is null for a tombstone, and by reference (`isKept` false). */
export interface ParkedRecord extends Omit<z.output<typeof parkedBody>, 'value'> {
  readonly tag: 'parked';
  readonly id: string;
  readonly identity: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly isKept: boolean;
  /** The original's, without its identity. */
  readonly headers: readonly RecordHeader[];
  readonly detail: string | null;
  readonly timestampMs: number;
  readonly partition?: number;
}

/** What a person asks for. `request` names it once and for all. */
export interface ParkedCommand extends z.output<typeof commandBody> {
  readonly tag: 'command';
}

/** What one Kafka transaction did of a command. The last one has no `next`. */
export interface ExecutedCommand extends z.output<typeof executedBody> {
  readonly tag: 'executed';
}

/** A part of the WAL whose changes are in no topic, and that an operator went on without. It is never taken back. */
export interface AcceptedGap extends z.output<typeof gapBody> {
  readonly tag: 'gap';
}

export type ParkedItem = ParkedRecord | ParkedCommand | ExecutedCommand | AcceptedGap | PhantomList;

/**
 * `<commitLsn, 16 hex digits>-<ordinal>-<part>`: how people name a parked record; on any timeline but the first, which
 * few servers leave, `<timeline>-` stands before it. What is at one LSN of two timelines are two records.
 */
export function parkedId(identity: string): string {
  const { timeline, commitLsn, ordinal, part } = parseIdentity(identity);
  const place = `${formatLsnSortable(commitLsn)}-${ordinal}-${part}`;
  return timeline === 1 ? place : `${timeline}-${place}`;
}

/** What a session goes on from. */
interface Beginning {
  readonly progress: Progress;
  readonly source: Pick<SourceSystem, 'timeline' | 'history'>;
}

/** Whether the record is of the transaction that is published in part. */
export function isOfPart(identity: string, { progress, source }: Beginning): boolean {
  const { timeline, commitLsn } = parseIdentity(identity);
  return commitLsn === progress.part?.lsn && isOnPath(timeline, { commitLsn, source });
}

/** Whether that timeline holds that position in the history of the server. */
function isOnPath(
  timeline: number,
  { commitLsn, source }: { commitLsn: Lsn; source: Beginning['source'] },
): boolean {
  return timelineOf(commitLsn, { current: source.timeline, history: source.history }) === timeline;
}

/**
 * Whether the server sends this record again, from the checkpoint on; what it sends no more is parked for good. A server
 * that was promoted never had what another timeline holds beyond its switch point, and has something else at that LSN.
 */
export function comesAgain(identity: string, { progress, source }: Beginning): boolean {
  const { part } = progress;
  const { timeline, commitLsn, ordinal } = parseIdentity(identity);
  if (!isOnPath(timeline, { commitLsn, source })) return false;
  if (isPassed(commitLsn, progress)) return false;
  return part?.lsn !== commitLsn || ordinal > part.seq;
}

export interface SetAside {
  readonly panel: 'domain' | 'change';
  /** The topic that the record was meant for; null when its row does not tell. */
  readonly topic: string | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The identity first. */
  readonly headers: readonly RecordHeader[];
  readonly timestampMs: number;
  /** What stands for a value that was not made, the row as the server sent it: kept by its size and its hash only. */
  readonly reference?: Buffer;
  readonly partition?: number;
}

export interface ParkedFor {
  readonly parkedTopic: string;
  readonly slot: string;
  /** A failure code, or `behind-parked`. */
  readonly reason: string;
  readonly detail: string | null;
  readonly keepValue?: boolean;
}

/** The parked topic's record for one that is set aside. */
export function encodeParked(
  original: SetAside,
  { parkedTopic, slot, reason, detail, keepValue = true }: ParkedFor,
): OutgoingRecord {
  const { panel, topic, key, value, timestampMs, reference, partition } = original;
  const [[, identity] = ['', ''], ...headers] = original.headers;
  const { timeline, commitLsn, ordinal, part } = parseIdentity(identity);
  const isKept = keepValue && !reference && value !== null && value.length <= keptBytesMax;
  const meant = reference ?? value;
  const body = {
    ...{ panel, topic, key: key?.toString() ?? null },
    ...{ timeline, commitLsn: formatLsn(commitLsn), ordinal, part, reason },
    bytes: meant?.length ?? 0,
    sha256: meant && sha256(meant),
    value: isKept ? value.toString('base64') : null,
  };
  return {
    topic: parkedTopic,
    key,
    value: Buffer.from(JSON.stringify(body)),
    headers: [
      [identityHeader, identity],
      [parkedHeader, reason],
      [slotHeader, slot],
      ...(detail === null ? [] : [[detailHeader, detail] as const]),
      ...(partition === undefined ? [] : [[partitionHeader, String(partition)] as const]),
      ...headers,
    ],
    timestampMs,
  };
}

/** The record that asks the relay of a slot for something. */
export function encodeCommand(
  { request, command, id, reason }: Omit<ParkedCommand, 'tag'>,
  { parkedTopic, slot }: { parkedTopic: string; slot: string },
): OutgoingRecord {
  return ownRecord({ request, command, id, reason }, { parkedTopic, slot, kind: [commandHeader, command] });
}

/** The record that says what became of a command; in Kafka with what it says, or after it. */
export function encodeExecuted(
  { tag: _tag, ...body }: ExecutedCommand,
  { parkedTopic, slot }: { parkedTopic: string; slot: string },
): OutgoingRecord {
  const kind = [executedHeader, body.next === null ? 'done' : 'partly'] as const;
  return { ...ownRecord(body, { parkedTopic, slot, kind }), vouches: true };
}

/** The record that says which gap was accepted; committed with the checkpoint that goes on behind it. */
export function encodeGap(
  { tag: _tag, ...body }: AcceptedGap,
  { parkedTopic, slot }: { parkedTopic: string; slot: string },
): OutgoingRecord {
  return ownRecord(body, { parkedTopic, slot, kind: [gapHeader, body.reason] });
}

function ownRecord(
  body: object,
  { parkedTopic, slot, kind }: { parkedTopic: string; slot: string; kind: RecordHeader },
): OutgoingRecord {
  return {
    topic: parkedTopic,
    key: null,
    value: Buffer.from(JSON.stringify(body)),
    headers: [kind, [slotHeader, slot]],
    timestampMs: Date.now(),
  };
}

/**
 * Reads a record of the parked topic; null when it belongs to the relay of another slot. Throws OperatingError
 * `record-unreadable`, naming the place.
 */
export function decodeParked(record: IncomingRecord, slot: string): ParkedItem | null {
  if (record.headers.get(slotHeader) !== slot) return null;
  try {
    const body: unknown = JSON.parse(String(record.value));
    if (record.headers.has(commandHeader)) return { tag: 'command', ...commandBody.parse(body) };
    if (record.headers.has(executedHeader)) return { tag: 'executed', ...executedBody.parse(body) };
    if (record.headers.has(gapHeader)) return { tag: 'gap', ...gapBody.parse(body) };
    if (record.headers.has(phantomsHeader)) return phantomListOf(record, body);
    return parkedOf(record, parkedBody.parse(body));
  } catch (cause) {
    const { topic, partition, offset } = record;
    throw new OperatingError(
      'record-unreadable',
      `${topic}, partition ${partition}, offset ${offset}: not a record of the parked topic`,
      { remedy: 'Somebody else writes to that topic: keep them out, and delete the record.', cause },
    );
  }
}

function parkedOf(record: IncomingRecord, body: z.output<typeof parkedBody>): ParkedRecord {
  const { key, headers, timestampMs } = record;
  const identity = headers.get(identityHeader) ?? '';
  const value = body.value === null ? null : Buffer.from(body.value, 'base64');
  return {
    ...body,
    ...{ tag: 'parked', id: parkedId(identity), identity, key, value, timestampMs },
    isKept: value !== null || body.sha256 === null,
    headers: [...headers].filter(([name]) => !ownHeaders.has(name)),
    detail: headers.get(detailHeader) ?? null,
    ...(headers.has(partitionHeader) ? { partition: Number(headers.get(partitionHeader)) } : {}),
  };
}

export function sha256(value: Buffer): string {
  return createHash('sha256').update(value).digest('hex');
}
