/** Reading the parked topic: what waits, what was asked for and not done, and the values themselves. */
import type { Progress } from '@diptych/delivery/protocol';
import { follow, readToEnd } from '@diptych/kafka/partition-reader';
import type { IncomingRecord, OutgoingRecord } from '@diptych/kafka/record';
import { ownTopicNames } from '@diptych/kafka/topics';
import { unreachable } from '@diptych/runtime/assert';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type { SourceSystem } from '@diptych/wal/server';
import type { Configuration } from '../configuration.ts';
import { ParkedKeys, type Waiting } from './parked-keys.ts';
import {
  comesAgain,
  decodeParked,
  isOfPart,
  type ParkedCommand,
  type ParkedItem,
  type ParkedRecord,
} from './parked-record.ts';

/** A command that no relay has finished, and the record with which it goes on. */
export interface OpenCommand {
  readonly command: ParkedCommand;
  readonly first: string;
}

/** What the parked topic says, whole. */
export interface ParkedTopicState {
  readonly keys: ParkedKeys;
  /** Ids of what is parked of the transaction that is published in part, released ones included. */
  readonly decided: ReadonlySet<string>;
  /** Ids of what was parked after the checkpoint: it comes again, and is parked again. Exactly once there is none. */
  readonly repeated: ReadonlySet<string>;
  /** In the order in which they were given. */
  readonly commands: readonly OpenCommand[];
  /** The first offset that was not read; null when there was no record. */
  readonly nextOffset: bigint | null;
}

/** Where the parked topic of a relay is. */
export interface ParkedPlace extends Pick<Configuration, 'slot' | 'prefix'> {
  readonly kafka: Pick<Configuration['kafka'], 'brokers'>;
}

/** The parked topic of a relay. */
export class ParkedTopic {
  readonly name: string;
  readonly slot: string;
  readonly #brokers: Brokers;

  constructor(configuration: ParkedPlace) {
    this.name = ownTopicNames(configuration).parked;
    this.slot = configuration.slot;
    this.#brokers = configuration.kafka.brokers;
  }

  /** Everything of this slot's relay up to the end, in order. */
  async *items(from?: bigint): AsyncGenerator<{ readonly item: ParkedItem; readonly offset: bigint }> {
    const options = from === undefined ? {} : { from: new Map([[this.name, [from]]]) };
    for await (const record of readToEnd({ brokers: this.#brokers, topics: [this.name], ...options })) {
      const item = decodeParked(record, this.slot);
      if (item) yield { item, offset: record.offset };
    }
  }

  /** The same without an end, as it comes. */
  async *follow(
    from: bigint | null,
    signal: AbortSignal,
  ): AsyncGenerator<{ item: ParkedItem; offset: bigint }> {
    const start = from === null ? ('beginning' as const) : new Map([[this.name, [from]]]);
    const topics = [this.name];
    for await (const record of follow({ brokers: this.#brokers, topics, from: start, signal })) {
      const item = decodeParked(record, this.slot);
      if (item) yield { item, offset: record.offset };
    }
  }

  /**
   * Reads it from its beginning. Exact once the publisher is fenced: then nothing of ours is open.
   * Throws OperatingError: `parked-keys-exhausted`, `record-unreadable`, and what reading throws.
   */
  async read({
    keysMax,
    ...known
  }: {
    keysMax: number;
    progress: Progress;
    source: SourceSystem;
  }): Promise<ParkedTopicState> {
    const keys = new ParkedKeys(keysMax);
    const decided = new Set<string>();
    const repeated = new Set<string>();
    const commands = new Map<string, OpenCommand>();
    let nextOffset: bigint | null = null;
    for await (const { item, offset } of this.items()) {
      nextOffset = offset + 1n;
      switch (item.tag) {
        case 'parked':
          if (comesAgain(item.identity, known)) {
            repeated.add(item.id);
            break;
          }
          if (isOfPart(item.identity, known)) decided.add(item.id);
          keys.add({ topic: item.topic, key: item.key, id: item.id, offset, pending: null });
          break;
        case 'command':
          commands.set(item.request, { command: item, first: item.id });
          break;
        case 'executed': {
          keys.remove([...item.released, ...item.discarded]);
          // What was released may be published by now: when it comes again, it is judged anew.
          for (const id of item.released) repeated.delete(id);
          const open = commands.get(item.request);
          if (item.next === null) commands.delete(item.request);
          else if (open) commands.set(item.request, { ...open, first: item.next });
          break;
        }
        case 'gap':
        case 'phantoms':
          break; // for people; nothing waits behind it
        default:
          unreachable(item);
      }
    }
    return { keys, decided, repeated, commands: [...commands.values()], nextOffset };
  }

  /**
   * The parked records of those that wait, by id, up to so many bytes of values; null for one that is in the topic no
   * more. What is not in the answer is for the next time.
   */
  async recordsOf(waiting: readonly Waiting[], bytesMax: number): Promise<Map<string, ParkedRecord | null>> {
    const found = new Map<string, ParkedRecord | null>();
    const wanted = new Set<string>();
    let from: bigint | null = null;
    for (const { id, offset, pending } of waiting) {
      if (pending) found.set(id, this.decodeOutgoing(pending));
      else if (offset !== null) {
        wanted.add(id);
        from ??= offset;
      }
    }
    if (from === null) return found;
    let bytes = 0;
    for await (const { item } of this.items(from)) {
      if (item.tag !== 'parked' || !wanted.delete(item.id)) continue;
      found.set(item.id, item);
      bytes += item.value?.length ?? 0;
      if (wanted.size === 0 || bytes >= bytesMax) return found;
    }
    for (const id of wanted) found.set(id, null);
    return found;
  }

  /** A record of ours that is on its way there. */
  decodeOutgoing(record: OutgoingRecord): ParkedRecord | null {
    const incoming: IncomingRecord = {
      ...record,
      ...{ partition: 0, offset: -1n, headers: new Map(record.headers) },
    };
    const item = decodeParked(incoming, this.slot);
    return item?.tag === 'parked' ? item : null;
  }
}
