import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What became of one event. */
export type EventOutcome = 'handled' | 'repeated' | 'passed-over' | 'parked' | 'discarded';

/** How far behind one partition is. */
export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  /** Offsets up to the last stable one, markers included. */
  readonly records: number;
}

export interface InboxState {
  readonly isConsuming: boolean;
  readonly heldPartitions: number;
}

/** An inbox's metrics; units stand in the names. https://prometheus.io/docs/practices/naming/ */
export class InboxMetrics {
  readonly registry = new Registry();
  readonly #events: Counter<'outcome'>;
  readonly #failures: Counter;
  readonly #outages: Counter;
  readonly #seconds: Histogram;

  constructor({
    group,
    lag,
    parked,
    state,
  }: {
    group: string;
    /** Each is asked when somebody reads the metrics; what fails leaves the last answer. */
    lag: () => Promise<readonly PartitionLag[]>;
    parked: () => Promise<number>;
    state: () => InboxState;
  }) {
    const { registry } = this;
    const registers = [registry];
    registry.setDefaultLabels({ group });
    this.#events = new Counter({
      name: 'diptych_inbox_events_total',
      help: 'Events by what became of them; those behind a parked one are parked too',
      labelNames: ['outcome'] as const,
      registers,
    });
    this.#failures = new Counter({
      name: 'diptych_inbox_attempts_failed_total',
      help: 'Attempts of handlers that failed for another reason than the database being away',
      registers,
    });
    this.#outages = new Counter({
      name: 'diptych_inbox_outages_total',
      help: 'How often everything had to wait for the database',
      registers,
    });
    this.#seconds = new Histogram({
      name: 'diptych_inbox_transaction_seconds',
      help: 'From BEGIN to COMMIT of the transaction of an event, also when it failed',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
      registers,
    });
    const gauge = (name: string, help: string, read: () => Promise<number> | number) =>
      new Gauge({
        name,
        help,
        registers,
        async collect() {
          await answer(async () => this.set(await read()));
        },
      });
    gauge('diptych_inbox_parked_events', 'Events that wait for a decision, and those behind them', parked);
    gauge('diptych_inbox_partitions', 'Partitions that this member holds', () => state().heldPartitions);
    gauge('diptych_inbox_consuming', '1 while events are handled as they come', () =>
      state().isConsuming ? 1 : 0,
    );
    new Gauge({
      name: 'diptych_inbox_lag_records',
      help: 'Records between the position and the end, in the partitions that this member holds',
      labelNames: ['topic', 'partition'] as const,
      registers,
      async collect() {
        await answer(async () => {
          const lags = await lag();
          this.reset();
          for (const { topic, partition, records } of lags) this.set({ topic, partition }, records);
        });
      },
    });
  }

  count(outcome: EventOutcome, events = 1): void {
    if (events > 0) this.#events.inc({ outcome }, events);
  }

  /** A handler failed. */
  failed(): void {
    this.#failures.inc();
  }

  /** The database is away. */
  waited(): void {
    this.#outages.inc();
  }

  /** Runs `work`, and observes how long it took. */
  async time<T>(work: () => Promise<T>): Promise<T> {
    const end = this.#seconds.startTimer();
    try {
      return await work();
    } finally {
      end();
    }
  }
}

/** Neither the database nor Kafka being away may take the other figures away. */
async function answer(read: () => Promise<void>): Promise<void> {
  await read().catch(() => undefined);
}
