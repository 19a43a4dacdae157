/** `diptych parked`: what was set aside, and what becomes of it. The relay that holds the slot does the work. */
import { randomUUID } from 'node:crypto';
import { appendRecord } from '@diptych/kafka/append-record';
import { OperatingError } from '@diptych/runtime/failure';
import type { Configuration } from '../configuration.ts';
import {
  type AcceptedGap,
  type ExecutedCommand,
  encodeCommand,
  type ParkedCommand,
  type ParkedItem,
  type ParkedRecord,
} from '../parking/parked-record.ts';
import { type ParkedPlace, ParkedTopic } from '../parking/parked-topic.ts';

interface Output {
  readonly configuration: Configuration;
  readonly out: NodeJS.WritableStream;
}

/** What `list` shows of a parked record: no values. */
export interface ParkedEntry {
  readonly kind: 'parked';
  readonly id: string;
  readonly reason: string;
  readonly topic: string | null;
  readonly key: string | null;
  readonly bytes: number;
  readonly committedAt: string;
}

/** A gap that was accepted, as `list` shows it: it stays in the list for ever. */
export type GapEntry = Omit<AcceptedGap, 'tag'> & { readonly kind: 'gap' };

/** Prints what is parked now, in its order, after the gaps that were accepted. */
export async function listParked({
  configuration,
  json,
  out,
}: Output & { readonly json: boolean }): Promise<void> {
  const { gaps, records } = await readParked(configuration);
  const listed = [...gaps.map(gapEntryOf), ...records.map(entryOf)];
  if (json) out.write(`${JSON.stringify(listed)}\n`);
  else if (listed.length === 0) out.write('nothing is parked\n');
  else for (const one of listed) out.write(`${line(one)}\n`);
}

/** What is parked now, in its order, and the gaps that were accepted. */
export async function readParked(
  place: ParkedPlace,
): Promise<{ readonly gaps: readonly AcceptedGap[]; readonly records: readonly ParkedRecord[] }> {
  const records = new Map<string, ParkedRecord>();
  const gaps: AcceptedGap[] = [];
  for await (const { item } of new ParkedTopic(place).items()) {
    if (item.tag === 'gap') gaps.push(item);
    // Only whoever shows a value needs it.
    if (item.tag === 'parked') records.set(item.id, { ...item, value: null });
    if (item.tag === 'executed') for (const id of [...item.released, ...item.discarded]) records.delete(id);
  }
  return { gaps, records: [...records.values()] };
}

const line = (entry: ParkedEntry | GapEntry): string =>
  entry.kind === 'gap' ? gapLine(entry) : parkedLine(entry);

const gapLine = ({ from, to, reason, detail, acceptedBy, acceptedAt }: GapEntry): string =>
  `gap from ${from ?? 'an unknown position'} to ${to}  ${reason}  accepted by ${acceptedBy} at ${acceptedAt}: ${detail}`;

const gapEntryOf = ({ tag, ...gap }: AcceptedGap): GapEntry => ({ kind: tag, ...gap });

const parkedLine = ({ id, reason, topic, key, bytes }: ParkedEntry): string =>
  `${id}  ${reason}  ${topic ?? '(no topic)'}  ${key ?? '(no key)'}  ${bytes} bytes`;

function entryOf({ id, reason, topic, key, bytes, timestampMs }: ParkedRecord): ParkedEntry {
  const committedAt = new Date(timestampMs).toISOString();
  return { kind: 'parked', id, reason, topic, key: key?.toString() ?? null, bytes, committedAt };
}

/** Prints the lists of phantoms that were accepted, oldest first (docs/failover.md). */
export async function listPhantoms({
  configuration,
  json,
  out,
}: Output & { readonly json: boolean }): Promise<void> {
  let none = true;
  for await (const { item } of new ParkedTopic(configuration).items()) {
    if (item.tag !== 'phantoms') continue;
    none = false;
    const { tag: _tag, ...list } = item;
    if (json) {
      out.write(`${JSON.stringify(list)}\n`);
      continue;
    }
    const { timeline, newTimeline, from, upTo, count, part, phantoms, acceptedAt } = list;
    out.write(
      `${acceptedAt}  timeline ${timeline}, ${from} to ${upTo}, left at the switch to ${newTimeline}: `,
    );
    out.write(`${count} transactions${part ? `, and ${part.seq} messages of one at ${part.lsn}` : ''}\n`);
    for (const { commitLsn, xid, committedAt, changes, domainEvents } of phantoms) {
      const holds = `${changes ?? '?'} change events, ${domainEvents ?? '?'} domain events`;
      out.write(`  ${commitLsn}  xid ${xid}  ${committedAt}  ${holds}\n`);
    }
  }
  if (none && !json) out.write('no phantoms were accepted\n');
}

/** Prints one parked record, its value included, and what became of it. Throws `parked-record-refused`. */
export async function showParked({
  configuration,
  id,
  json = false,
  out,
}: Output & { readonly id: string; readonly json?: boolean }): Promise<void> {
  const { record, state } = await find(configuration, id);
  const { identity, panel, headers, detail, sha256, value, isKept } = record;
  const shown = {
    ...{ ...entryOf(record), state, detail, identity, panel },
    ...{ headers: Object.fromEntries(headers), sha256, isKept, value: value?.toString() ?? null },
  };
  out.write(`${JSON.stringify(shown, null, json ? 0 : 2)}\n`);
}

export interface Request {
  readonly place: ParkedPlace;
  readonly command: ParkedCommand['command'];
  readonly id: string;
  readonly reason: string | null;
  /** How long to wait for the relay, in ms. */
  readonly timeoutMs: number;
}

/** What became of a request. `remains` is the first that stays parked, and why. */
export type Done = Pick<ExecutedCommand, 'released' | 'discarded' | 'remains'>;

/**
 * Asks the relay to release or discard, and waits until it has. Throws OperatingError: `parked-record-refused` when
 * nothing was done, `parked-command-unanswered` when no relay has done it in time.
 */
export async function askRelay({ place, command, id, reason, timeoutMs }: Request): Promise<Done> {
  const { state, nextOffset } = await find(place, id);
  if (state !== 'parked') throw refused(id, `it is ${state} already`, 'There is nothing left to do.');
  const topic = new ParkedTopic(place);
  const request = randomUUID();
  const where = { parkedTopic: topic.name, slot: topic.slot };
  await appendRecord(place.kafka.brokers, encodeCommand({ request, command, id, reason }, where));
  const signal = AbortSignal.timeout(timeoutMs);
  const released: string[] = [];
  const discarded: string[] = [];
  for await (const { item } of topic.follow(nextOffset, signal)) {
    if (item.tag !== 'executed' || item.request !== request) continue;
    released.push(...item.released);
    discarded.push(...item.discarded);
    if (item.next !== null) continue;
    const { remains } = item;
    if (remains && released.length + discarded.length === 0)
      throw refused(id, `${remains.id}: ${remains.reason}`, remains.remedy);
    return { released, discarded, remains };
  }
  throw new OperatingError(
    'parked-command-unanswered',
    `no relay has executed it within ${timeoutMs / 1000} s`,
    {
      remedy:
        'It is kept: the relay that holds the slot executes it as soon as it runs. `diptych parked list` tells when it is done.',
    },
  );
}

/** Prints what became of a request. */
export function sayDone(
  id: string,
  { released, discarded, remains }: Done,
  { json, out }: { readonly json: boolean; readonly out: NodeJS.WritableStream },
): void {
  if (json) {
    out.write(`${JSON.stringify({ id, released, discarded, remains })}\n`);
    return;
  }
  if (discarded.length > 0) out.write(`discarded ${discarded.join(', ')}\n`);
  if (released.length > 0)
    out.write(`released ${released.length}, from ${released[0]} to ${released.at(-1)}\n`);
  if (remains) out.write(`${remains.id} stays parked: ${remains.reason}\n  → ${remains.remedy}\n`);
}

interface Found {
  readonly record: ParkedRecord;
  readonly state: 'parked' | 'released' | 'discarded';
  /** Where the topic ended when it was read. */
  readonly nextOffset: bigint;
}

async function find(place: ParkedPlace, id: string): Promise<Found> {
  let record: ParkedRecord | null = null;
  let state: Found['state'] = 'parked';
  let nextOffset = 0n;
  for await (const { item, offset } of new ParkedTopic(place).items()) {
    nextOffset = offset + 1n;
    state = stateAfter(item, id) ?? state;
    if (item.tag === 'parked' && item.id === id) record = item;
  }
  if (record) return { record, state, nextOffset };
  throw refused(id, 'nothing of this id was parked', '`diptych parked list` shows what is.');
}

function stateAfter(item: ParkedItem, id: string): Found['state'] | null {
  // Once more, at least once: then it waits once more.
  if (item.tag === 'parked') return item.id === id ? 'parked' : null;
  if (item.tag !== 'executed') return null;
  if (item.released.includes(id)) return 'released';
  return item.discarded.includes(id) ? 'discarded' : null;
}

function refused(id: string, why: string, remedy: string): OperatingError {
  return new OperatingError('parked-record-refused', `${id}: ${why}`, { remedy });
}
