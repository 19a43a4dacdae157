/**
 * One session of the relay: performs what the state machine of `@diptych/delivery` decides, and tells it what came of
 * it. It ends by itself when asked to stop, and with everything dropped after any failure; the next session begins at
 * the checkpoint.
 */
import { performance } from 'node:perf_hooks';
import { step } from '@diptych/delivery/delivery';
import { acceptsStandalone, admissionOf } from '@diptych/delivery/intake';
import type { Action, EndReason, Event, Progress } from '@diptych/delivery/protocol';
import { type DeliveryState, initialState } from '@diptych/delivery/state';
import type { Publisher } from '@diptych/kafka/publisher';
import { present, unreachable } from '@diptych/runtime/assert';
import { type OperatingError, operating } from '@diptych/runtime/failure';
import { formatLsn, type Lsn } from '@diptych/wal/lsn';
import { ReplicationSession, type WalMessage } from '@diptych/wal/session';
import { AgreementWatch } from './agreement-watch.ts';
import { type Batch, Batches } from './batches.ts';
import { deliveryLimits } from './delivery-limits.ts';
import { Heartbeat } from './heartbeat.ts';
import { Hold } from './hold.ts';
import { committedAtUs } from './identity-stamp.ts';
import type { Panels, PublishedRecord } from './panels.ts';
import type { Parking } from './parking/parking.ts';
import { Parting } from './parting.ts';
import { watchPartitions } from './partition-watch.ts';
import { look, prepare } from './preparation.ts';
import { describeProgress } from './refusal.ts';
import type { SessionContext } from './session-context.ts';
import { outcomeOf, type SessionOutcome } from './session-outcome.ts';
import type { Snapshots } from './snapshot/snapshots.ts';
import { describeTables } from './source.ts';
import { sightingOf } from './standstill.ts';

/** How often the state machine is told the time. */
const clockIntervalMs = 100;

export class Session {
  readonly #context: SessionContext;
  readonly #state: DeliveryState<PublishedRecord>;
  readonly #replication: ReplicationSession;
  readonly #done = Promise.withResolvers<SessionOutcome>();
  #publisher: Publisher | null = null;
  #panels: Panels | null = null;
  #parking: Parking | null = null;
  #snapshots: Snapshots | null = null;
  #batches: Batches | null = null;
  #agreement: AgreementWatch | null = null;
  #failure: OperatingError | null = null;
  #parting: Parting | null = null;
  readonly #hold = new Hold();
  readonly #admission = () => admissionOf(this.#state);
  readonly #heartbeat: Heartbeat;

  constructor(context: SessionContext) {
    this.#context = context;
    const { configuration, catalogue, log } = context;
    this.#heartbeat = new Heartbeat({ catalogue, configuration, log });
    this.#state = initialState(deliveryLimits(configuration), performance.now());
    this.#replication = new ReplicationSession(
      {
        databaseUrl: context.catalogue.databaseUrl,
        slot: configuration.slot,
        publications: [configuration.outbox.publication, configuration.change.publication],
        walSenderTimeoutMs: configuration.timing.walSenderTimeoutMs,
      },
      {
        onMessage: (message) => this.#receive(message),
        onKeepalive: (walEnd, replyRequested) => {
          if (!this.#hold.holds) this.#keepalive(walEnd, replyRequested);
        },
        onEnd: (failure) => this.#part(failure),
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
      return { tag: 'failed', failure: operating(error), reached: 'nothing' };
    } finally {
      clearInterval(clock);
      this.#parking?.close();
      this.#snapshots?.close();
      stopping.removeEventListener('abort', stop);
      await Promise.all([this.#replication.stop(), (this.#batches ?? this.#publisher)?.close()]);
    }
  }

  #dispatch(event: Event<PublishedRecord>): void {
    for (const action of step(this.#state, event)) this.#perform(action);
  }

  #perform(action: Action<PublishedRecord>): void {
    switch (action.tag) {
      case 'look':
        return this.#follow(look(this.#context), () => ({ tag: 'looked' }));
      case 'fence':
        return this.#follow(this.#fence(), () => ({ tag: 'fenced' }));
      case 'read-checkpoint':
        return this.#follow(this.#readCheckpoint(), (event) => event);
      case 'stream':
        return this.#stream();
      case 'pause':
        return this.#replication.pause();
      case 'resume':
        return this.#hold.holds ? undefined : this.#replication.resume();
      case 'report':
        return this.#report(action);
      case 'publish':
        return this.#follow(this.#publish(action), (tag) => ({ tag }));
      case 'recover':
        return this.#follow(present(this.#batches, 'an outlet').recover(), (progress) => ({
          tag: 'recovered',
          progress,
        }));
      case 'end':
        return this.#done.resolve(this.#outcome(action.reason));
      default:
        return unreachable(action);
    }
  }

  /** When `work` is done its event goes into the state machine; when it fails, the session is over. */
  #follow<T>(work: Promise<T>, toEvent: (result: T) => Event<PublishedRecord>): void {
    work
      .then((result) => {
        this.#dispatch(toEvent(result));
        this.#atBoundary();
      })
      .catch((error: unknown) => this.#fail(operating(error)));
  }

  #keepalive(walEnd: Lsn, replyRequested: boolean): void {
    this.#dispatch({ tag: 'keepalive', walEnd, replyRequested });
    this.#snapshots?.watch.passed(walEnd);
    this.#atBoundary();
  }

  /** What belongs to no transaction takes its place, where there is one. */
  #atBoundary(): void {
    this.#parking?.atBoundary();
    this.#snapshots?.atBoundary();
  }

  /** The stream cannot go on. What may pass by itself ends the session at once, else what came before is published first. */
  #part(failure: OperatingError): void {
    if (failure.retry === 'timed' || this.#state.phase !== 'streaming') return this.#fail(failure);
    this.#parting ??= new Parting(failure, { open: this.#state.open, nowMs: performance.now() });
    this.#hold.begin();
    this.#replication.pause();
  }

  #fail(failure: OperatingError): void {
    this.#failure ??= failure;
    this.#dispatch({ tag: 'failed' });
  }

  async #fence(): Promise<void> {
    this.#publisher = this.#context.destination.createPublisher(this.#context.source);
    await this.#publisher.fence();
  }

  async #readCheckpoint(): Promise<Event<PublishedRecord>> {
    const context = this.#context;
    const publisher = present(this.#publisher, 'a fenced publisher');
    const { backendPid } = this.#replication;
    const prepared = await prepare(context, { backendPid, publisher });
    const { checkpoint, confirmedFlushLsn, parking, snapshots } = prepared;
    this.#parking = parking;
    this.#panels = prepared.panels;
    this.#snapshots = snapshots;
    if (checkpoint) {
      const agreement = new AgreementWatch(context, { checkpoint, backendPid, nowMs: performance.now() });
      this.#agreement = agreement;
      this.#batches = new Batches({ context, publisher, agreement, parking, snapshots, backendPid });
    }
    const progress: Progress | null = checkpoint;
    const said = { checkpoint: progress && describeProgress(progress), slot: formatLsn(confirmedFlushLsn) };
    context.log.info(said, 'checkpoint read');
    return { tag: 'checkpoint-read', progress, confirmedFlushLsn };
  }

  #stream(): void {
    const panels = present(this.#panels, 'panels before the stream');
    this.#context.board.role = 'active';
    const parking = present(this.#parking, 'parking before the stream');
    const delivery = {
      accepts: () => acceptsStandalone(this.#state),
      hasRoom: () => this.#state.queuedBytes < this.#state.limits.batchBytesMax,
      isHeldBack: () => this.#state.paused,
      offer: (records: readonly PublishedRecord[], bytes: number) =>
        this.#dispatch({ tag: 'standalone-offered', records, bytes }),
      stateSoon: () => this.#dispatch({ tag: 'statement-wanted' }),
      fail: (error: unknown) => this.#fail(operating(error)),
      finish: () => this.#dispatch({ tag: 'stop-requested' }),
    };
    parking.start({ ...delivery, domainTopic: (asked) => panels.domainTopic(asked) });
    const snapshots = present(this.#snapshots, 'snapshots before the stream');
    // What they publish first comes before whatever the stream brings.
    this.#hold.begin();
    snapshots
      .start(delivery, { panels, poison: parking.poison })
      .then(() => {
        if (this.#parting) return;
        this.#hold.end((message) => this.#receive(message));
        this.#replication.stream();
        if (this.#state.paused) this.#replication.pause();
      })
      .catch((error: unknown) => this.#fail(operating(error)));
  }

  #receive(message: WalMessage): void {
    // What is left of a socket read after the end of the session comes again in the next one.
    if (this.#state.phase === 'ended') return;
    if (this.#hold.holds) return this.#hold.add(message);
    try {
      const panels = present(this.#panels, 'panels while streaming');
      const events = panels.read(message, this.#admission);
      if (panels.change.wantsDescription) this.#describe(panels);
      for (const event of events) {
        if (event.tag === 'change-received') this.#context.board.waitingSinceUs ??= panels.commitTimeUs;
        this.#dispatch(event);
        if (event.tag === 'transaction-ended') this.#atBoundary();
      }
    } catch (error) {
      this.#part(operating(error));
    }
  }

  /** A table whose key or types only the catalogue knows came: its changes wait until the catalogue was asked. */
  #describe(panels: Panels): void {
    this.#hold.begin();
    this.#replication.pause();
    describeTables(this.#context.catalogue)
      .then((described) => {
        if (this.#parting) return;
        panels.change.describe(described);
        this.#hold.end((message) => this.#receive(message));
        if (!this.#state.paused && !this.#hold.holds) this.#replication.resume();
      })
      .catch((error: unknown) => this.#fail(operating(error)));
  }

  #report(position: { received: Lsn; flushed: Lsn }): void {
    this.#context.board.reported(position, this.#state.published.reportedLsn);
    this.#replication.report(position);
  }

  async #publish(batch: Batch): Promise<'published' | 'unanswered'> {
    const outcome = await present(this.#batches, 'an outlet').publish(batch, {
      reported: this.#state.published.reportedLsn,
    });
    if (outcome === 'unanswered') return outcome;
    const next = this.#state.queue[0]?.records[0];
    this.#context.board.waitingSinceUs = next ? committedAtUs(next) : null;
    return outcome;
  }

  #outcome(reason: EndReason): SessionOutcome {
    const failure = this.#failure ?? this.#batches?.doubt ?? null;
    const reached = this.#batches?.hasPublished ? 'published' : this.#panels ? 'prepared' : 'nothing';
    return outcomeOf(reason, { failure, reached, configuration: this.#context.configuration });
  }

  #tick(): void {
    const nowMs = performance.now();
    const { board, configuration, log } = this.#context;
    this.#dispatch({ tag: 'clock', nowMs });
    if (this.#parting?.ends(this.#state, nowMs))
      return void this.#parting.reason(this.#parking).then((reason) => this.#fail(reason));
    this.#atBoundary();
    if (this.#parking) board.parkedKeys = this.#parking.keys;
    if (this.#state.phase !== 'streaming') return;
    const { walEnd, rowsRead } = board;
    const stalls = board.see(sightingOf(this.#state, { nowMs, walEnd, rowsRead }), configuration);
    if (stalls) log.warn(board.standstill, 'the position stands still');
    this.#heartbeat.beat(nowMs);
    if (!this.#agreement?.isDue(nowMs)) return;
    const checks = Promise.all([
      this.#agreement.ask(nowMs),
      watchPartitions(this.#context),
      this.#parking?.watchLimits(),
    ]);
    checks.catch((error: unknown) => this.#fail(operating(error)));
  }
}
