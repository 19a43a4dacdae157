/**
 * Parking in one session: it knows what waits, and executes what people ask for, between two transactions of the
 * stream, in one batch with the word that it is done (docs/parking.md).
 */
import type { Progress } from '@diptych/delivery/protocol';
import { type MessageLimits, readMessageLimits } from '@diptych/kafka/message-limits';
import { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { SourceSystem } from '@diptych/wal/server';
import type { Configuration } from '../configuration.ts';
import { bytesOf } from '../identity-stamp.ts';
import { readPayload } from '../outbox-payload.ts';
import { payloadPlaces } from '../outboxes.ts';
import type { PublishedRecord } from '../panels.ts';
import { encodeExecuted, type ParkedRecord } from './parked-record.ts';
import { type OpenCommand, ParkedTopic, type ParkedTopicState } from './parked-topic.ts';
import { Poison } from './poison.ts';
import { type Gathered, planRound, type Round } from './release.ts';

export interface ParkingOptions {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly log: Logger;
  /** What the checkpoint holds. */
  readonly progress: Progress;
  readonly source: SourceSystem;
}

/** The session, as far as parking needs it. */
export interface Delivery {
  /** Whether records may be offered now: no transaction is open, none is published in part. */
  accepts(): boolean;
  offer(records: readonly PublishedRecord[], bytes: number): void;
  fail(error: unknown): void;
  domainTopic(asked: string): string;
}

export class Parking {
  readonly poison: Poison;
  readonly #options: ParkingOptions;
  readonly #topic: ParkedTopic;
  readonly #state: ParkedTopicState;
  readonly #limits: MessageLimits;
  readonly #closing = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #delivery: Delivery | null = null;
  /** Waits for the next place between two transactions. */
  #due: (() => void) | null = null;
  /** Told when the word on a command was read in the topic. */
  #answered: ((request: string) => void) | null = null;
  #working: Promise<void> = Promise.resolve();

  private constructor(options: ParkingOptions, read: { limits: MessageLimits; state: ParkedTopicState }) {
    const { configuration, log } = options;
    this.#options = options;
    this.#topic = new ParkedTopic(configuration);
    this.#limits = read.limits;
    this.#state = read.state;
    const { keys, decided, repeated } = read.state;
    const parkedTopic = this.#topic.name;
    this.poison = new Poison({
      configuration,
      limits: read.limits,
      keys,
      decided,
      repeated,
      parkedTopic,
      log,
    });
  }

  /** Reads limits and parked topic. After the fence: nothing of ours is open then. Throws OperatingError. */
  static async open(options: ParkingOptions): Promise<Parking> {
    const { configuration, progress, source } = options;
    const keysMax = configuration.limits.parkedKeysMax;
    const [limits, state] = await Promise.all([
      readLimits(configuration),
      new ParkedTopic(configuration).read({ keysMax, progress, source }),
    ]);
    return new Parking(options, { limits, state });
  }

  /** How many keys wait. */
  get keys(): number {
    return this.#state.keys.size;
  }

  /** Executes what was asked for before, and what is asked for from now on. */
  start(delivery: Delivery): void {
    this.#delivery = delivery;
    for (const open of this.#state.commands) this.#enqueue(open);
    this.#follow().catch((error: unknown) => delivery.fail(error));
  }

  /** To be called between two transactions, as often as the session is there. */
  atBoundary(): void {
    if (!this.#due || !this.#delivery?.accepts()) return;
    const due = this.#due;
    this.#due = null;
    due();
  }

  /**
   * A session decides by one set of limits, as its publisher does: with others it begins anew. Throws OperatingError
   * `topic-limits-changed`.
   */
  async requireSameLimits(): Promise<void> {
    const changed = this.#limits.differences(await readLimits(this.#options.configuration));
    if (changed.length === 0 || this.#closing.signal.aborted) return;
    throw new OperatingError('topic-limits-changed', `max.message.bytes changed: ${changed.join(', ')}`, {
      remedy: 'Nothing to do: the next session decides by the new limits what is too large.',
    });
  }

  /** The same, where nobody waits for it: brokers that do not answer are the publisher's matter. */
  async watchLimits(): Promise<void> {
    try {
      await this.requireSameLimits();
    } catch (error) {
      if (!(error instanceof OperatingError) || error.code !== 'kafka-unreachable') throw error;
    }
  }

  /** Ends following; what is not executed is for the next session. */
  close(): void {
    this.#closing.abort();
    this.#closed.resolve();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    for await (const { item, offset } of this.#topic.follow(this.#state.nextOffset, signal)) {
      if (item.tag === 'parked') this.#state.keys.seen(item.id, offset);
      else if (item.tag === 'executed') this.#answered?.(item.request);
      else if (item.tag === 'command') this.#enqueue({ command: item, first: item.id });
    }
  }

  /** One after another: each begins with what the one before has left. */
  #enqueue(open: OpenCommand): void {
    this.#working = this.#working
      .then(() => this.#execute(open))
      .catch((error: unknown) => this.#delivery?.fail(error));
  }

  async #execute({ command, first }: OpenCommand): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await this.requireSameLimits();
    let next: string | null = first;
    while (next !== null && !this.#closing.signal.aborted) next = await this.#round({ command, first: next });
  }

  /** One Kafka transaction of a command; what the next one begins with, null when there is none. */
  async #round(open: OpenCommand): Promise<string | null> {
    const { keys } = this.#state;
    const parkedKey = keys.hold(open.first);
    try {
      const gathered = await this.#gather(parkedKey?.waiting ?? []);
      const seen = Promise.withResolvers<void>();
      const planned = Promise.withResolvers<Round>();
      this.#answered = (request) => {
        if (request === open.command.request) seen.resolve();
      };
      this.#due = () => {
        try {
          planned.resolve(this.#offer(open, gathered));
        } catch (error) {
          planned.reject(error);
        }
      };
      this.atBoundary();
      const round = await Promise.race([planned.promise, this.#closed.promise]);
      await Promise.race([seen.promise, this.#closed.promise]);
      return round ? round.executed.next : null;
    } finally {
      keys.letGo(parkedKey);
    }
  }

  /** All at once, so that what comes of the stream afterwards finds the key as the records leave it. */
  #offer({ command, first }: OpenCommand, gathered: Map<string, Gathered | null>): Round {
    const { configuration, log } = this.#options;
    const { keys } = this.#state;
    const delivery = this.#delivery;
    if (!delivery) throw new Error('parking was started');
    const parkedKey = keys.find(first);
    for (const { id, pending } of parkedKey?.waiting ?? []) {
      const record = pending && !gathered.has(id) ? this.#topic.decodeOutgoing(pending) : null;
      if (record?.isKept) gathered.set(id, { record, value: record.value });
    }
    const limits = this.#limits;
    const bytesMax = configuration.limits.batchBytesMax;
    const domainTopic = (asked: string) => delivery.domainTopic(asked);
    const round = planRound({ command, first, parkedKey, gathered, limits, domainTopic, bytesMax });
    const { executed, records } = round;
    const word = encodeExecuted(executed, { parkedTopic: this.#topic.name, slot: this.#topic.slot });
    const offered: PublishedRecord[] = [...records, { ...word, panel: 'parked', bytes: bytesOf(word) }];
    keys.remove([...executed.released, ...executed.discarded]);
    delivery.offer(
      offered,
      offered.reduce((sum, record) => sum + record.bytes, 0),
    );
    const { released, discarded, remains } = executed;
    log.info(
      { command: command.command, id: command.id, released: released.length, discarded, remains },
      'a command on the parked topic is executed',
    );
    return round;
  }

  async #gather(waiting: Parameters<ParkedTopic['recordsOf']>[0]): Promise<Map<string, Gathered | null>> {
    const { batchBytesMax } = this.#options.configuration.limits;
    const records = await this.#topic.recordsOf(waiting, batchBytesMax);
    const gathered = new Map<string, Gathered | null>();
    let bytes = 0;
    for (const { id } of waiting) {
      const record = records.get(id);
      if (record === undefined || bytes >= batchBytesMax) break;
      const value = record && (await this.#valueOf(record));
      gathered.set(id, record && { record, value });
      bytes += value?.length ?? 0;
    }
    return gathered;
  }

  /** A value that was too large to keep is read once more, when its topic would take it now. */
  async #valueOf(record: ParkedRecord): Promise<Buffer | null | undefined> {
    if (record.isKept) return record.value;
    if (record.panel !== 'domain' || !this.#limits.takes(record.topic ?? '', record.bytes)) return undefined;
    const { catalogue, configuration } = this.#options;
    const { payload } = configuration.outbox;
    return await readPayload(catalogue, { places: payloadPlaces(configuration), payload, record });
  }
}

function readLimits({ kafka, prefix, outbox, outboxes }: Configuration): Promise<MessageLimits> {
  const { brokers } = kafka;
  // A router of its own may name topics as it likes.
  const named = (topic: string) => topic.startsWith(`${prefix}.`) || topic.startsWith(outbox.topicPrefix);
  const wanted = (topic: string) => outboxes.length > 0 || named(topic);
  return readMessageLimits({ brokers, wanted });
}
