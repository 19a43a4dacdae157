/** Snapshots in one session: what the last one left, what people ask for, and what the session has to tell them. */
import type { SnapshotLog, SnapshotTable } from '@diptych/kafka/snapshot-log';
import type { Logger } from '@diptych/runtime/log';
import type { DescribedTable } from '@diptych/snapshot/described-table';
import { noSnapshots } from '@diptych/snapshot/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { SourceSystem } from '@diptych/wal/server';
import type { Board } from '../board.ts';
import type { Configuration } from '../configuration.ts';
import type { Panels, PublishedRecord } from '../panels.ts';
import type { Poison } from '../parking/poison.ts';
import type { Again } from '../session-context.ts';
import { execute } from './commands.ts';
import type { ExportedSnapshot } from './exported-snapshot.ts';
import { Incremental, type IncrementalOptions } from './incremental.ts';
import { Initial } from './initial.ts';
import { planInitial } from './initial-plan.ts';
import { type Delivery, Ledger } from './ledger.ts';
import { ReadPanel } from './read-panel.ts';
import { ReadingWatch } from './reading-watch.ts';
import { SnapshotTopic, type SnapshotTopicState } from './snapshot-topic.ts';
import { StreamWatch } from './stream-watch.ts';
import { tableText, wordOf } from './words.ts';

export interface SnapshotsOptions {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly source: SourceSystem;
  readonly board: Board;
  readonly log: Logger;
  /** Of the checkpoint; null before the first snapshot. */
  readonly snapshotLog: SnapshotLog | null;
  readonly exported: ExportedSnapshot | null;
  readonly again: Again;
}

export class Snapshots {
  /** To be told of the stream. */
  readonly watch = new StreamWatch();
  readonly #options: SnapshotsOptions;
  readonly #topic: SnapshotTopic;
  readonly #asked: SnapshotTopicState;
  readonly #ledger: Ledger;
  readonly #hasLog: boolean;
  readonly #reading: ReadingWatch;
  readonly #closing = new AbortController();
  #incremental: Incremental | null = null;
  #hasBegun = false;
  #working: Promise<void> = Promise.resolve();

  private constructor(options: SnapshotsOptions, read: { topic: SnapshotTopic; asked: SnapshotTopicState }) {
    const { board, log, snapshotLog } = options;
    this.#options = options;
    this.#topic = read.topic;
    this.#asked = read.asked;
    this.#hasLog = snapshotLog !== null;
    this.#ledger = new Ledger(snapshotLog ?? noSnapshots, options.configuration.delivery);
    this.#reading = new ReadingWatch({ board, log });
  }

  /** Reads what was asked for. After the fence: nothing of ours is open then. Throws OperatingError. */
  static async open(options: SnapshotsOptions): Promise<Snapshots> {
    const topic = new SnapshotTopic(options.configuration);
    return new Snapshots(options, { topic, asked: await topic.read() });
  }

  /**
   * Reads what is left, and does what is asked for, from now on. Resolves when the stream may run: what an exported snapshot
   * shows comes before it. Throws OperatingError.
   */
  async start(
    delivery: Delivery,
    { panels, poison }: { readonly panels: Panels; readonly poison: Poison },
  ): Promise<void> {
    const { configuration, source, exported } = this.#options;
    const { rowBytesMax } = configuration.limits;
    this.#ledger.start(delivery);
    const options: IncrementalOptions = {
      ...this.#options,
      ledger: this.#ledger,
      watch: this.watch,
      topic: this.#topic,
      change: panels.change,
      panel: new ReadPanel({ change: panels.change, poison, source, rowBytesMax }),
      onRead: (table, described) => this.#onRead(table, described),
    };
    this.#incremental = new Incremental(options);
    this.#reading.see(this.#ledger.log);
    for (const command of this.#asked.commands) this.#enqueue(command);
    this.#follow().catch((error: unknown) => this.#fail(error));
    if (exported) await new Initial(options, exported).run();
    this.#hasBegun = true;
    this.#readAgain().catch((error: unknown) => this.#fail(error));
    this.#incremental.run().catch((error: unknown) => this.#fail(error));
  }

  /** To be called between two transactions, as often as there is one. */
  atBoundary(): void {
    this.#ledger.atBoundary();
    this.#reading.see(this.#ledger.log);
    if (!this.#hasBegun || this.#options.configuration.snapshot.mode !== 'initial_only') return;
    if (this.#ledger.log.tables.length === 0) this.#ledger.delivery.finish();
  }

  /** Once for each start of the relay, however many sessions it takes. */
  async #readAgain(): Promise<void> {
    const { catalogue, configuration, again } = this.#options;
    if (!again.isDue) return;
    const { tables } = await planInitial(catalogue, { configuration, before: null });
    const word = wordOf(this.#topic, {
      status: 'started',
      id: tables[0]?.id ?? null,
      tables: tables.map(tableText),
    });
    await this.#ledger.enact(() => ({ log: { ...this.#ledger.log, paused: false, tables }, word }));
    again.isDue = false;
  }

  /**
   * What a checkpoint says of snapshots that covers these records, or, at least once, what was acknowledged before them.
   * Null before the first snapshot.
   */
  stated(records: readonly PublishedRecord[]): SnapshotLog | null {
    const log = this.#ledger.stating(records);
    return log === noSnapshots && !this.#hasLog ? null : log;
  }

  /** They are in Kafka. */
  published(records: readonly PublishedRecord[]): void {
    this.#ledger.published(records);
    this.#options.board.rowsRead = this.#ledger.inKafka.sequence;
  }

  /** What is under way is for the next session. */
  close(): void {
    this.#closing.abort();
    this.#ledger.close();
    this.#incremental?.close().catch(() => {});
  }

  async #follow(): Promise<void> {
    for await (const item of this.#topic.follow(this.#asked.nextOffset, this.#closing.signal))
      if (item.tag === 'command') this.#enqueue(item.command);
  }

  /** One after another. */
  #enqueue(command: SnapshotTopicState['commands'][number]): void {
    const options = { ...this.#options, ledger: this.#ledger, topic: this.#topic };
    this.#working = this.#working
      .then(() => (this.#closing.signal.aborted ? undefined : execute(command, options)))
      .catch((error: unknown) => this.#fail(error));
  }

  /** What goes wrong because the session has ended is no failure of it. */
  #fail(error: unknown): void {
    if (!this.#closing.signal.aborted) this.#ledger.delivery.fail(error);
  }

  #onRead(table: SnapshotTable, described: DescribedTable): void {
    this.#reading.read(table, described.estimatedRows);
    this.#reading.see(this.#ledger.log);
  }
}
