/** What stands in the snapshot topic: what people ask for, and what became of it (docs/snapshots.md). */
import { follow, readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord, OutgoingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { OperatingError } from '@diptych/runtime/failure';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { z } from 'zod';
import type { Configuration } from '../configuration.ts';
import { bytesOf } from '../identity-stamp.ts';
import type { PublishedRecord } from '../panels.ts';

const commandBody = z.object({
  /** Names the command once and for all. */
  request: z.string(),
  command: z.enum(['start', 'pause', 'resume', 'stop']),
  /** `schema.table`; of `stop`: none means all. */
  tables: z.array(z.string()),
  /** Of `start`: a condition in SQL for each of the tables. */
  where: z.string().nullable(),
});

const wordBody = z.object({
  /** The command that it answers. */
  request: z.string().nullable(),
  status: z.enum([
    'started',
    'paused',
    'resumed',
    'stopped',
    'refused',
    'table-completed',
    'table-failed',
    'table-restarted',
    'completed',
  ]),
  /** Of the snapshot. */
  id: z.string().nullable(),
  tables: z.array(z.string()),
  /** Read, of a table that is completed. */
  rows: z.number().int().nullable(),
  /** Why it was refused, has failed or is read from its beginning, and what may be done about it. */
  reason: z.string().nullable(),
  remedy: z.string().nullable(),
});

export type SnapshotCommand = z.output<typeof commandBody>;
export type SnapshotWord = z.output<typeof wordBody>;

export type SnapshotItem =
  | { readonly tag: 'command'; readonly command: SnapshotCommand }
  | { readonly tag: 'word'; readonly word: SnapshotWord };

const kindHeader = 'diptych-snapshot-item';

/** What is asked for and not done, and where the topic ended. */
export interface SnapshotTopicState {
  readonly commands: readonly SnapshotCommand[];
  readonly nextOffset: bigint | null;
}

/** The snapshot topic of a slot's relay. */
export class SnapshotTopic {
  readonly name: string;
  readonly #slot: string;
  readonly #brokers: Brokers;

  constructor(configuration: Pick<Configuration, 'kafka' | 'slot' | 'prefix'>) {
    this.name = ownTopicNames(configuration).snapshot;
    this.#slot = configuration.slot;
    this.#brokers = configuration.kafka.brokers;
  }

  /** The commands that nobody has executed, in their order. Exact once the publisher is fenced. Throws OperatingError. */
  async read(): Promise<SnapshotTopicState> {
    const commands = new Map<string, SnapshotCommand>();
    let nextOffset: bigint | null = null;
    for await (const record of readToEnd({ brokers: this.#brokers, topics: [this.name] })) {
      nextOffset = record.offset + 1n;
      const item = this.decode(record);
      if (item?.tag === 'command') commands.set(item.command.request, item.command);
      if (item?.tag === 'word' && item.word.request !== null) commands.delete(item.word.request);
    }
    return { commands: [...commands.values()], nextOffset };
  }

  /** What comes from `from` on, without an end; null: from the beginning. */
  async *follow(from: bigint | null, signal: AbortSignal): AsyncGenerator<SnapshotItem> {
    const start = from === null ? ('beginning' as const) : new Map([[this.name, [from]]]);
    for await (const record of follow({ brokers: this.#brokers, topics: [this.name], from: start, signal })) {
      const item = this.decode(record);
      if (item) yield item;
    }
  }

  encodeCommand(command: SnapshotCommand): OutgoingRecord {
    return this.#encode('command', command);
  }

  /** Of the value of its record. Throws OperatingError `record-unreadable`. */
  wordOf(value: string): SnapshotWord {
    try {
      return wordBody.parse(JSON.parse(value));
    } catch (cause) {
      throw unreadable('a word on snapshots', cause);
    }
  }

  encodeWord(word: SnapshotWord): PublishedRecord {
    const record = this.#encode('word', word);
    return { ...record, panel: 'snapshot', bytes: bytesOf(record) };
  }

  #encode(kind: SnapshotItem['tag'], body: SnapshotCommand | SnapshotWord): OutgoingRecord {
    return {
      topic: this.name,
      key: Buffer.from(this.#slot),
      value: Buffer.from(JSON.stringify(body)),
      headers: [[kindHeader, kind]],
      timestampMs: Date.now(),
    };
  }

  /** Null for another slot’s. Throws OperatingError `record-unreadable`. */
  decode({ key, value, headers, offset }: IncomingRecord): SnapshotItem | null {
    if (key?.toString() !== this.#slot || value === null) return null;
    try {
      const body: unknown = JSON.parse(value.toString());
      return headers.get(kindHeader) === 'command'
        ? { tag: 'command', command: commandBody.parse(body) }
        : { tag: 'word', word: wordBody.parse(body) };
    } catch (cause) {
      throw unreadable(`${this.name} at offset ${offset}`, cause);
    }
  }
}

const unreadable = (what: string, cause: unknown): OperatingError =>
  new OperatingError('record-unreadable', `${what} cannot be read`, {
    remedy: 'It was written by a newer Diptych or by something else: use that version, or another prefix.',
    cause,
  });
