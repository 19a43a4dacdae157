/**
 * One session of the relay: performs what the state machine of `@diptych/delivery` decides, and tells it what came of
 * it. It ends by itself when asked to stop, and with everything dropped after any failure; the next session begins at
 * the checkpoint.
 */
import { performance } from 'node:perf_hooks';
import { admissionOf, step } from '@diptych/delivery/delivery';
import type { Action, Event, Progress } from '@diptych/delivery/protocol';
import { type DeliveryState, initialState } from '@diptych/delivery/state';
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Publisher } from '@diptych/kafka/publisher';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { assert, present, unreachable } from '@diptych/runtime/assert';
import { type OperatingError, operating } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import { formatLsn, type Lsn } from '@diptych/wal/lsn';
import type { Publication } from '@diptych/wal/publication';
import type { SourceSystem } from '@diptych/wal/server';
import { ReplicationSession } from '@diptych/wal/session';
import { inspectSlot } from '@diptych/wal/slot';
import type { Board } from './board.ts';
import type { Configuration } from './configuration.ts';
import type { Destination } from './destination.ts';
import type { Metrics } from './metrics.ts';
import { Panels, type PublishedRecord } from './panels.ts';
import { describeProgress, refusal, refuseChangedOptions, refuseForeign, refusePhantoms } from './refusal.ts';
import {
  agreementOn,
  comparePublications,
  isGap,
  optionsHash,
  readPrimaryKeys,
  requirePublications,
  tablesOf,
} from './source.ts';

export interface SessionContext {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly source: SourceSystem;
  readonly destination: Destination;
  readonly board: Board;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Go on although changes were lost: the operator said so (`--accept-gap`). */
  readonly acceptGap: boolean;
}

export type SessionOutcome =
  | { readonly tag: 'stopped' }
  | { readonly tag: 'failed'; readonly failure: OperatingError; readonly streamed: boolean };

/** How often the state machine is told the time. */
const clockIntervalMs = 100;

export class Session {
  readonly #context: SessionContext;
  readonly #state: DeliveryState<PublishedRecord>;
  readonly #replication: ReplicationSession;
  readonly #done = Promise.withResolvers<SessionOutcome>();
  #publisher: Publisher | null = null;
  #panels: Panels | null = null;
  #checkpoint: Checkpoint | null = null;
  #failure: OperatingError | null = null;
  #publicationsCheckedAtMs = 0;

  constructor(context: SessionContext) {
    this.#context = context;
    const { configuration } = context;
    this.#state = initialState({ ...configuration.limits, ...configuration.timing }, performance.now());
    this.#replication = new ReplicationSession(
      {
        databaseUrl: configuration.database.url,
        slot: configuration.slot,
        publications: [configuration.outbox.publication, configuration.change.publication],
        walSenderTimeoutMs: configuration.timing.walSenderTimeoutMs,
      },
      {
        onMessage: (bytes, position) => this.#receive(bytes, position),
        onKeepalive: (walEnd, replyRequested) => this.#dispatch({ tag: 'keepalive', walEnd, replyRequested }),
        onEnd: (failure) => this.#fail(failure),
      },
    );
  }

  /** Runs until asked to stop or until something fails. Frees the slot and closes the publisher in any case. */
  async run(stopping: AbortSignal): Promise<SessionOutcome> {
    const stop = () => this.#dispatch({ tag: 'stop-requested' });
    const clock = setInterval(() => this.#tick(), clockIntervalMs);
    try {
      await this.#replication.start();
      this.#context.metrics.sessions.inc();
      stopping.addEventListener('abort', stop);
      this.#dispatch({ tag: 'slot-acquired' });
      if (stopping.aborted) stop();
      return await this.#done.promise;
    } catch (error) {
      return { tag: 'failed', failure: operating(error), streamed: false };
    } finally {
      clearInterval(clock);
      stopping.removeEventListener('abort', stop);
      await Promise.all([this.#replication.stop(), this.#publisher?.close()]);
    }
  }

  #dispatch(event: Event<PublishedRecord>): void {
    for (const action of step(this.#state, event)) this.#perform(action);
  }

  #perform(action: Action<PublishedRecord>): void {
    switch (action.tag) {
      case 'look':
        return this.#follow(this.#look(), () => ({ tag: 'looked' }));
      case 'fence':
        return this.#follow(this.#fence(), () => ({ tag: 'fenced' }));
      case 'read-checkpoint':
        return this.#follow(this.#readCheckpoint(), (event) => event);
      case 'stream':
        this.#context.board.role = 'active';
        return this.#replication.stream();
      case 'pause':
        return this.#replication.pause();
      case 'resume':
        return this.#replication.resume();
      case 'report':
        return this.#report(action);
      case 'publish':
        return this.#follow(this.#publish(action), () => ({ tag: 'published' }));
      case 'end':
        return this.#end(action.reason);
      default:
        return unreachable(action);
    }
  }

  /** When `work` is done its event goes into the state machine; when it fails, the session is over. */
  #follow<T>(work: Promise<T>, toEvent: (result: T) => Event<PublishedRecord>): void {
    work
      .then((result) => this.#dispatch(toEvent(result)))
      .catch((error: unknown) => this.#fail(operating(error)));
  }

  #fail(failure: OperatingError): void {
    this.#failure ??= failure;
    this.#dispatch({ tag: 'failed' });
  }

  /** Only to see whether the checkpoint is that of another database: then nothing of it may be fenced. */
  async #look(): Promise<void> {
    refuseForeign(await this.#context.destination.readCheckpoint(), this.#context.source);
  }

  async #fence(): Promise<void> {
    this.#publisher = this.#context.destination.createPublisher(this.#context.source);
    await this.#publisher.fence();
  }

  /** The authoritative read: after the fence nothing of ours is open, so what is committed now stays the last. */
  async #readCheckpoint(): Promise<Event<PublishedRecord>> {
    const { catalogue, configuration, destination, source, log } = this.#context;
    const checkpoint = await destination.readCheckpoint();
    refuseForeign(checkpoint, source);
    const slot = present(
      await inspectSlot(catalogue, configuration.slot),
      'the slot that this session holds',
    );
    const found = await requirePublications(catalogue, configuration);
    if (checkpoint) await this.#refuseBrokenAgreement(checkpoint, found);
    this.#checkpoint = checkpoint && {
      ...checkpoint,
      timeline: source.timeline,
      optionsHash: optionsHash(found),
      publications: agreementOn(found),
    };
    this.#panels = new Panels({
      configuration,
      source,
      primaryKeys: await readPrimaryKeys(catalogue),
      changeTables: tablesOf(found, configuration.change.publication),
    });
    this.#publicationsCheckedAtMs = performance.now();
    const progress: Progress | null = checkpoint;
    log.info(
      { checkpoint: progress && describeProgress(progress), slot: formatLsn(slot.confirmedFlushLsn) },
      'checkpoint read',
    );
    return { tag: 'checkpoint-read', progress, confirmedFlushLsn: slot.confirmedFlushLsn };
  }

  async #refuseBrokenAgreement(checkpoint: Checkpoint, found: readonly Publication[]): Promise<void> {
    const { catalogue, acceptGap, log, source } = this.#context;
    refusePhantoms(checkpoint, source);
    refuseChangedOptions(checkpoint, optionsHash(found));
    try {
      await comparePublications(catalogue, { agreed: checkpoint.publications, found });
    } catch (error) {
      if (!acceptGap || !isGap(error)) throw error;
      log.warn({ code: error.code, gap: error.message }, 'going on over a gap, as asked');
    }
  }

  #receive(bytes: Buffer, position: Lsn): void {
    try {
      const panels = present(this.#panels, 'panels while streaming');
      const event = panels.read({ bytes, position, admission: () => admissionOf(this.#state) });
      if (!event) return;
      if (event.tag === 'change-received') this.#context.board.waitingSinceUs ??= panels.commitTimeUs;
      this.#dispatch(event);
    } catch (error) {
      this.#fail(operating(error));
    }
  }

  #report({ received, flushed }: { received: Lsn; flushed: Lsn }): void {
    const { board } = this.#context;
    board.received = received;
    board.flushed = flushed;
    this.#replication.report({ received, flushed });
  }

  /** One Kafka transaction: all records and the checkpoint that covers them. */
  async #publish({
    records,
    progress,
  }: {
    records: readonly PublishedRecord[];
    progress: Progress;
  }): Promise<void> {
    const { destination, metrics, board } = this.#context;
    const publisher = present(this.#publisher, 'a fenced publisher');
    if (records.length === 0) await this.#checkPublications();
    const checkpoint = { ...present(this.#checkpoint, 'the checkpoint that was read'), ...progress };
    await destination.ensureTopics(records);
    const outgoing: OutgoingRecord[] = [...records, destination.checkpointRecord(checkpoint)];
    try {
      await publisher.publish(outgoing);
      metrics.batches.inc({ outcome: 'committed' });
    } catch (error) {
      metrics.batches.inc({ outcome: 'unknown' });
      throw error;
    }
    board.published = progress.reportedLsn;
    this.#count(records);
  }

  #count(records: readonly PublishedRecord[]): void {
    const { metrics, board } = this.#context;
    const nowMs = Date.now();
    let bytes = 0;
    for (const { panel, timestampMs, bytes: size } of records) {
      bytes += size;
      metrics.records.inc({ panel });
      if (panel !== 'transaction') continue;
      metrics.transactions.inc();
      metrics.commitToKafka.observe(Math.max(0, nowMs - timestampMs) / 1000);
    }
    metrics.batchBytes.observe(bytes);
    const next = this.#state.queue[0]?.records[0];
    board.waitingSinceUs = next ? BigInt(next.timestampMs) * 1000n : null;
  }

  #tick(): void {
    this.#dispatch({ tag: 'clock', nowMs: performance.now() });
    const { publicationCheckIntervalMs } = this.#context.configuration.timing;
    const due = performance.now() - this.#publicationsCheckedAtMs >= publicationCheckIntervalMs;
    if (!due || this.#state.phase !== 'streaming') return;
    this.#checkPublications().catch((error: unknown) => this.#fail(operating(error)));
  }

  /** A missing publication is only a warning in PostgreSQL 18's log, and silence in the stream. */
  async #checkPublications(): Promise<void> {
    this.#publicationsCheckedAtMs = performance.now();
    const { catalogue, configuration, board } = this.#context;
    const checkpoint = present(this.#checkpoint, 'the checkpoint that was read');
    const found = await requirePublications(catalogue, configuration);
    await comparePublications(catalogue, { agreed: checkpoint.publications, found });
    this.#checkpoint = { ...checkpoint, publications: agreementOn(found) };
    board.lagBytes = (await inspectSlot(catalogue, configuration.slot))?.lagBytes ?? null;
  }

  #end(reason: Extract<Action<PublishedRecord>, { tag: 'end' }>['reason']): void {
    const streamed = this.#state.published.reportedLsn > 0n;
    switch (reason.tag) {
      case 'stopped':
        return this.#done.resolve({ tag: 'stopped' });
      case 'failed':
        assert(this.#failure, 'a failed session has a failure');
        return this.#done.resolve({ tag: 'failed', failure: this.#failure, streamed });
      case 'refused':
        return this.#done.resolve({
          tag: 'failed',
          failure: refusal(reason.code, this.#context.configuration),
          streamed,
        });
      default:
        return unreachable(reason);
    }
  }
}
