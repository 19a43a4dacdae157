/**
 * How many records go into one send. Neither client splits a batch over the topic's `max.message.bytes`: the broker
 * refuses it, and with it the whole Kafka transaction. Batches are uncompressed, so the size is known beforehand.
 * https://kafka.apache.org/43/implementation/message-format/
 */
import { PackedRecord } from './packed-record.ts';
import type { OutgoingRecord } from './record.ts';
import { fieldsBytesMax, varintBytes } from './record-fields.ts';

/** Records that stand one behind the other in a list, from `from` to `to`. */
export interface Run {
  readonly list: readonly OutgoingRecord[];
  readonly from: number;
  readonly to: number;
}

/** What one send has for one partition, in its order. Good until the next batch is packed into the same memory. */
export interface Place extends Run {
  readonly topic: string;
  readonly partition: number;
  /** What they take as one batch, at most. */
  readonly bytes: number;
}

/** What is sent at once: the places of each topic stand together. */
export type Send = readonly Place[];

export interface PackingLimits {
  /** All batches of one send together: bounds the request, which the broker holds in memory as a whole. */
  readonly sendBytesMax: number;
  readonly sendRecordsMax: number;
  /** All sends are seen together or not at all; if not, a record that vouches for those before it begins a send. */
  readonly isAtomic: boolean;
}

/** A record that its topic takes in no batch. */
export interface TooLong {
  readonly topic: string;
  readonly bytes: number;
  readonly bytesMax: number;
}

/** Header of a record batch, from `baseOffset` to `recordsCount`. */
export const batchOverheadBytes = 61;

/** Length, timestamp delta and offset delta are varints whose value is not known yet: their longest form, and attributes. */
export const recordOverheadBytes = 5 + 1 + 10 + 5;

/** What the batch's head and a record's own take at most besides the record's body. */
export const recordOverheadBytesMax = batchOverheadBytes + recordOverheadBytes;

function sized(length: number): number {
  return varintBytes(length) + length;
}

/** An upper bound of what a record takes in a batch: at most 18 bytes more than the truth. */
export function recordBytes(record: OutgoingRecord): number {
  if (record instanceof PackedRecord) return recordOverheadBytes + record.end - record.start;
  let bytes = recordOverheadBytes + varintBytes(record.headers.length);
  bytes += record.key === null ? 1 : sized(record.key.length);
  bytes += record.value === null ? 1 : sized(record.value.length);
  for (const [name, value] of record.headers)
    bytes += sized(Buffer.byteLength(name)) + sized(Buffer.byteLength(value));
  return bytes;
}

/** The same with less work and less truth: three times what the texts of headers take. */
export function recordBytesMax(record: OutgoingRecord): number {
  return recordOverheadBytes + fieldsBytesMax(record);
}

/** Used again for each batch, as the lists are. */
class GrowingPlace implements Place {
  readonly list: readonly OutgoingRecord[];
  topic = '';
  partition = 0;
  /** Among those of its send. */
  number = 0;
  /** While it grows, it stands nowhere yet: `to` is how many records it has. */
  from = 0;
  to = 0;
  bytes = 0;

  constructor(list: readonly OutgoingRecord[]) {
    this.list = list;
  }
}

/** Where no record is. */
const none: OutgoingRecord = { topic: '', key: null, value: null, headers: [], timestampMs: 0 };

/**
 * Where one batch after the other is packed. Lists that are made anew for each, and live until it is published, are old when they are
 * garbage: they were most of what the collector found there.
 */
export class PackingMemory {
  /** Of the send that grows, in their order; and for each the place where it goes, by its number. */
  readonly records: OutgoingRecord[] = [];
  readonly places: number[] = [];
  /** Of all sends, place by place. */
  readonly list: OutgoingRecord[] = [];
  /** Of the send that grows. */
  readonly topics: PackedTopic[] = [];
  readonly #places: GrowingPlace[] = [];
  #placesInUse = 0;

  /** What was packed before is given up, and what was not packed to its end. */
  begin(): void {
    this.#placesInUse = 0;
    this.leaveTopics();
  }

  /** No topic is in a send. */
  leaveTopics(): void {
    for (const topic of this.topics) {
      topic.places.fill(null);
      topic.isInSend = false;
    }
    this.topics.length = 0;
  }

  /** An empty one. */
  place({ topic, partition, number }: Pick<GrowingPlace, 'topic' | 'partition' | 'number'>): GrowingPlace {
    const made = this.#places[this.#placesInUse] ?? new GrowingPlace(this.list);
    this.#places[this.#placesInUse] = made;
    this.#placesInUse += 1;
    made.topic = topic;
    made.partition = partition;
    made.number = number;
    made.from = 0;
    made.to = 0;
    made.bytes = batchOverheadBytes;
    return made;
  }

  /** Makes the list so long. */
  reach(length: number): void {
    for (let missing = length - this.list.length; missing > 0; missing -= 1) this.list.push(none);
  }

  /** Keeps no record. */
  clear(): void {
    this.records.fill(none);
    this.list.fill(none);
  }
}

/** A topic, and its places of the send that grows. */
export class PackedTopic {
  readonly name: string;
  /** Its `max.message.bytes`: the largest record batch that the broker takes. */
  readonly bytesMax: number;
  /** By partition. */
  readonly places: (GrowingPlace | null)[] = [];
  isInSend = false;

  constructor(name: string, bytesMax: number) {
    this.name = name;
    this.bytesMax = bytesMax;
  }
}

/** All records of a list. */
export const runOf = (list: readonly OutgoingRecord[]): Run => ({ list, from: 0, to: list.length });

/** Cuts records into sends, in their order, so that no partition's batch of a send passes its topic's limit. */
export class Packing {
  readonly #limits: PackingLimits;
  readonly #memory: PackingMemory;
  readonly #sends: Send[] = [];
  /** Of the send that grows, in the order of their numbers. */
  #places: GrowingPlace[] = [];
  #bytes = 0;
  /** Of the send that grows. */
  #records = 0;
  /** Of all before it. */
  #listed = 0;

  constructor(limits: PackingLimits, memory = new PackingMemory()) {
    this.#limits = limits;
    this.#memory = memory;
    memory.begin();
  }

  /** The next record, which is of this topic, always the same object; answers why it cannot be sent, or null. */
  add(
    record: OutgoingRecord,
    { topic, partition }: { readonly topic: PackedTopic; readonly partition: number },
  ): TooLong | null {
    const { isAtomic, sendBytesMax, sendRecordsMax } = this.#limits;
    const bytes = recordBytes(record);
    const { bytesMax } = topic;
    const alone = batchOverheadBytes + bytes;
    if (alone > bytesMax) return { topic: topic.name, bytes: alone, bytesMax };
    const isFull =
      (!isAtomic && record.vouches === true) ||
      (topic.places[partition]?.bytes ?? batchOverheadBytes) + bytes > bytesMax ||
      this.#bytes + bytes > sendBytesMax ||
      this.#records >= sendRecordsMax;
    if (isFull && this.#records > 0) this.#cut();
    const place = topic.places[partition] ?? this.#newPlace(topic, partition);
    const { records, places } = this.#memory;
    records[this.#records] = record;
    places[this.#records] = place.number;
    place.to += 1;
    place.bytes += bytes;
    this.#bytes += bytes;
    this.#records += 1;
    return null;
  }

  /** All of them. Nothing is added any more. */
  end(): readonly Send[] {
    if (this.#records > 0) this.#cut();
    return this.#sends;
  }

  #cut(): void {
    this.#list();
    const send: Place[] = [];
    for (const { places } of this.#memory.topics) {
      for (const place of places) {
        if (place) send.push(place);
      }
    }
    this.#memory.leaveTopics();
    this.#sends.push(send);
    this.#places = [];
    this.#bytes = 0;
    this.#records = 0;
  }

  /** Puts the records of the send into the list, those of each place together: how many they are is known now. */
  #list(): void {
    const { records, places, list } = this.#memory;
    let end = this.#listed;
    for (const place of this.#places) {
      const count = place.to;
      place.from = end;
      place.to = end;
      end += count;
    }
    this.#memory.reach(end);
    for (let at = 0; at < this.#records; at += 1) {
      const place = this.#places[places[at] as number] as GrowingPlace;
      list[place.to] = records[at] as OutgoingRecord;
      place.to += 1;
    }
    this.#listed = end;
  }

  #newPlace(topic: PackedTopic, partition: number): GrowingPlace {
    const place = this.#memory.place({ topic: topic.name, partition, number: this.#places.length });
    if (!topic.isInSend) this.#memory.topics.push(topic);
    topic.isInSend = true;
    while (topic.places.length <= partition) topic.places.push(null);
    topic.places[partition] = place;
    this.#places.push(place);
    return place;
  }
}
