/** One session of a modelled relay: performs what the state machine decides, as `apps/relay/src/session.ts` does. */
import { acceptsStandalone, admissionOf } from '@diptych/delivery/intake';
import type { Action, EndReason, Event, Progress } from '@diptych/delivery/protocol';
import { type DeliveryState, initialState } from '@diptych/delivery/state';
import { unreachable } from '@diptych/runtime/assert';
import { formatLsn, type Lsn } from '@diptych/wal/lsn';
import { Commands } from './commands.ts';
import { describeAction } from './describe-action.ts';
import type { Kafka } from './kafka.ts';
import { KafkaClient, type KafkaClientContext } from './kafka-client.ts';
import type { Mutant } from './mutants.ts';
import { limits, timing } from './plan.ts';
import type { Postgres } from './postgres.ts';
import type { Process } from './process.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { recover } from './recovery.ts';
import { ReplicationLink } from './replication-link.ts';
import { inspectSlot } from './slot-inspection.ts';
import type { RecordId, StreamEvent } from './wal.ts';
import type { World } from './world.ts';

export interface SessionContext {
  readonly world: World;
  readonly postgres: Postgres;
  readonly kafka: Kafka;
  readonly process: Process;
  readonly rules: Mutant;
  readonly name: string;
  /** kill -9 of the whole process. */
  readonly die: () => void;
  readonly onOver: (outcome: 'stopped' | 'failed') => void;
}

/** The queue's bound, and one read of the socket: the most messages of the largest kind that come at once. */
const memoryBytesMax = limits.queueBytesMax + 9 * 130;

export class Session {
  readonly #context: SessionContext;
  readonly #kafkaContext: KafkaClientContext;
  readonly #state: DeliveryState<RecordId>;
  readonly #link: ReplicationLink;
  readonly #reader: KafkaClient;
  readonly #commands: Commands;
  #publisher: Publisher | null = null;
  /** What came before anyone may look at it. */
  #early: StreamEvent[] | null = [];
  #looked: Progress | null = null;
  #over = false;

  constructor(context: SessionContext) {
    this.#context = context;
    const { world, process, kafka } = context;
    this.#kafkaContext = { world, process, kafka };
    this.#commands = new Commands(() => kafka.asked);
    this.#state = initialState({ ...limits, delivery: world.plan.delivery }, process.nowMs());
    this.#reader = new KafkaClient(this.#kafkaContext);
    this.#link = new ReplicationLink(world, {
      deliver: (source, work) => process.deliver(source, work),
      defer: (work) => process.defer(work),
      onChunk: (events) => this.#read(events),
      onClose: () => this.#dispatch({ tag: 'failed' }),
    });
  }

  start(): void {
    const { world, postgres, process } = this.#context;
    world.agenda.after(process.travelMs(world.latencyMs()), () => {
      const grant = postgres.startReplication(this.#link);
      world.agenda.after(process.travelMs(world.latencyMs()), () =>
        process.deliver(this.#link, () => {
          if (this.#over) return;
          if (grant !== 'granted') return this.#dispatch({ tag: 'failed' });
          world.coverage.sessions += 1;
          this.#link.readWithGrant();
          this.#tick();
          this.#dispatch({ tag: 'slot-acquired' });
        }),
      );
    });
  }

  stop(): void {
    this.#dispatch({ tag: 'stop-requested' });
  }

  /** The network is gone: the server learns it by `wal_sender_timeout`, the relay from the answer to its next report. */
  cutOff(forMs: number): void {
    const clientNoticesMs = forMs + this.#context.world.random.between(0.5, limits.statusIntervalMs);
    this.#link.cut({ clientNoticesMs, serverNoticesMs: timing.walSenderTimeoutMs });
  }

  /** The kernel closes what the process had open. */
  disconnect(): void {
    this.#over = true;
    this.#link.closeFromClient();
    this.#publisher?.close();
    this.#reader.close();
  }

  #tick(): void {
    if (this.#over) return;
    this.#dispatch({ tag: 'clock', nowMs: this.#context.process.nowMs() });
    this.#atBoundary();
    this.#context.process.after(timing.clockIntervalMs, () => this.#tick());
  }

  #read(events: readonly StreamEvent[]): void {
    if (this.#early) {
      // An early keepalive is not missed: the next says more.
      this.#early.push(...events.filter((event) => event.tag !== 'keepalive'));
      return;
    }
    for (const event of events) {
      // As in the relay, the rest of a read is still handed out when its first message has ended the session.
      if (this.#context.process.isDead) return;
      this.#receive(event);
    }
  }

  #receive(event: StreamEvent): void {
    const { coverage } = this.#context.world;
    if (event.tag === 'change-received' && admissionOf(this.#state).tag === 'skip') {
      return this.#dispatch({ ...event, bytes: 0, records: [] });
    }
    this.#dispatch(event);
    if (event.tag === 'transaction-ended') this.#atBoundary();
    if (event.tag !== 'transaction-began' || !this.#state.open) return;
    const { tag } = this.#state.open.admission;
    if (tag === 'skip') coverage.skippedTransactions += 1;
    if (tag === 'resume') coverage.resumedPieces += 1;
  }

  /** As parking does: between two transactions what people asked for is executed. */
  #atBoundary(): void {
    if (this.#context.process.isDead || this.#early || !acceptsStandalone(this.#state)) return;
    const offer = this.#commands.next();
    if (offer) this.#dispatch(offer);
  }

  #dispatch(event: Event<RecordId>): void {
    const { world, process, rules, die } = this.#context;
    for (const action of rules.step(this.#state, event)) {
      if (world.strikes(world.plan.deathPerAction)) die();
      if (process.isDead) return;
      this.#say(action);
      this.#perform(action);
    }
    const { queuedBytes } = this.#state;
    if (queuedBytes > memoryBytesMax) {
      world.broken('memory-is-bounded', {
        expected: `at most ${memoryBytesMax} bytes`,
        got: `${queuedBytes}`,
      });
    }
  }

  #perform(action: Action<RecordId>): void {
    switch (action.tag) {
      case 'look':
        return this.#readCheckpoint((progress) => {
          this.#looked = progress;
          this.#dispatch({ tag: 'looked' });
        });
      case 'fence':
        return this.#fence();
      case 'read-checkpoint':
        return this.#readAgreement();
      case 'stream':
        return this.#stream();
      case 'pause':
        this.#context.world.coverage.pauses += 1;
        return this.#link.pause();
      case 'resume':
        return this.#link.resume();
      case 'report':
        return this.#link.report(action);
      case 'publish':
        return this.#publish(action);
      case 'recover':
        return this.#recover();
      case 'end':
        return this.#end(action.reason);
      default:
        return unreachable(action);
    }
  }

  #readCheckpoint(hear: (progress: Progress | null) => void): void {
    const { deviation } = this.#context.rules;
    this.#ask((kafka) => kafka.readCheckpoint(deviation), hear);
  }

  #ask<T>(question: (kafka: Kafka) => T, hear: (answer: T) => void, fail?: () => void): void {
    this.#reader.ask(question, { hear, fail: fail ?? (() => this.#dispatch({ tag: 'failed' })) });
  }

  #fence(): void {
    this.#publisher = createPublisher(this.#context);
    this.#publisher.fence((ok) => this.#dispatch({ tag: ok ? 'fenced' : 'failed' }));
  }

  #recover(): void {
    recover(this.#context, {
      isOver: () => this.#over,
      ask: (question, hear, fail) => this.#ask(question, hear, fail),
      inspectSlot: (hear) => this.#inspectSlot(hear),
      replacePublisher: () => {
        this.#publisher?.close();
        this.#publisher = createPublisher(this.#context);
        return this.#publisher;
      },
      hear: (progress, floor) => {
        if (this.#publisher && floor) this.#publisher.floor = floor;
        if (progress) this.#resolveDoubt(progress);
        else this.#dispatch({ tag: 'failed' });
      },
    });
  }

  #resolveDoubt(progress: Progress): void {
    const { coverage } = this.#context.world;
    const { published } = this.#state;
    this.#dispatch({ tag: 'recovered', progress });
    if (this.#state.published === published) coverage.recoveredMissing += 1;
    else coverage.recoveredThere += 1;
  }

  /** The checkpoint, then the slot, which counts only while it is our own walsender that holds it. */
  #readAgreement(): void {
    const { deviation } = this.#context.rules;
    const compare = (progress: Progress | null) =>
      this.#inspectSlot((confirmedFlushLsn) =>
        this.#dispatch({ tag: 'checkpoint-read', progress, confirmedFlushLsn }),
      );
    const read = () => {
      if (deviation === 'read-checkpoint-before-fence') compare(this.#looked);
      else this.#readCheckpoint(compare);
    };
    this.#ask(
      (kafka) => ({ floor: kafka.adopt(), done: kafka.readWords() }),
      ({ floor, done }) => {
        if (this.#publisher && floor) this.#publisher.floor = floor;
        this.#commands.begin(done);
        read();
      },
    );
  }

  #inspectSlot(hear: (confirmed: Lsn) => void): void {
    inspectSlot(this.#context, this.#link, (confirmed) => {
      if (this.#over) return;
      if (confirmed === null) this.#dispatch({ tag: 'failed' });
      else hear(confirmed);
    });
  }

  #stream(): void {
    const early = this.#early ?? [];
    this.#early = null;
    this.#context.world.coverage.earlyMessages += early.length;
    const { deviation } = this.#context.rules;
    if (deviation !== 'resume-behind-early') this.#link.resume();
    this.#read(early);
    if (deviation === 'resume-behind-early') this.#link.resume();
  }

  #publish({ records, progress }: Extract<Action<RecordId>, { tag: 'publish' }>): void {
    const { coverage } = this.#context.world;
    coverage.batches += 1;
    if (progress.part) coverage.pieces += 1;
    if (records.length === 0) coverage.idleCheckpoints += 1;
    this.#publisher?.publish({ records, progress }, (outcome) => {
      if (outcome === 'done') this.#dispatch({ tag: 'published' });
      else this.#dispatch({ tag: outcome === 'no-answer' ? 'unanswered' : 'failed' });
    });
  }

  #end(reason: EndReason): void {
    const { world, process, onOver } = this.#context;
    if (reason.tag === 'refused' && reason.code !== 'publish-outcome-unknown') {
      world.broken('refuses-only-with-cause', {
        expected: 'to stream: nobody touched slot or checkpoint',
        got: `${reason.code}, slot at ${formatLsn(this.#context.postgres.confirmed)}`,
      });
    }
    process.defer(() => {
      if (this.#over) return;
      this.disconnect();
      onOver(reason.tag === 'stopped' ? 'stopped' : 'failed');
    });
  }

  #say(action: Action<RecordId>): void {
    this.#context.world.say(() => `${this.#context.name}: ${describeAction(action)}`);
  }
}
