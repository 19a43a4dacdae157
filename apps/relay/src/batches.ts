/** Batches on their way to Kafka: their records, the checkpoint that goes with them, and what becomes of both. */
import type { Progress } from '@diptych/delivery/protocol';
import { hasArrived } from '@diptych/delivery/recovery';
import { PackedRecord } from '@diptych/kafka/packed-record';
import type { Publisher } from '@diptych/kafka/publisher';
import { type OperatingError, operating } from '@diptych/runtime/failure';
import type { AgreementWatch } from './agreement-watch.ts';
import type { PublishedRecord } from './panels.ts';
import type { Parking } from './parking/parking.ts';
import { tracePublished } from './publish-spans.ts';
import { mayAnswerAgain, recover } from './recovery.ts';
import { describeProgress, isTooLarge } from './refusal.ts';
import type { SessionContext } from './session-context.ts';
import { sessionOver } from './session-outcome.ts';
import type { Snapshots } from './snapshot/snapshots.ts';

export interface Batch {
  readonly records: readonly PublishedRecord[];
  readonly progress: Progress;
}

export interface BatchesOptions {
  readonly context: SessionContext;
  /** Fenced. Closed by whoever closes the batches. */
  readonly publisher: Publisher;
  readonly agreement: AgreementWatch;
  readonly parking: Parking;
  readonly snapshots: Snapshots;
  /** Of our walsender. */
  readonly backendPid: number | null;
}

export class Batches {
  readonly #options: BatchesOptions;
  readonly #over = new AbortController();
  #publisher: Publisher;
  /** Why the outcome of the last batch was unknown; null when it never was. */
  doubt: OperatingError | null = null;
  #last: Batch | null = null;
  /** What the checkpoint in Kafka says, as far as this session knows. */
  #held: Progress;
  /** Whether anything of this session is in Kafka. */
  hasPublished = false;

  constructor(options: BatchesOptions) {
    this.#options = options;
    this.#publisher = options.publisher;
    this.#held = options.agreement.checkpoint;
  }

  /** The session is over: nothing more is begun. */
  async close(): Promise<void> {
    this.#over.abort();
    await this.#publisher.close();
  }

  /**
   * One batch, unless the session ends before it is sent. `unanswered` is for `recover`. `reported`: what the last checkpoint
   * allows to report. Throws OperatingError.
   */
  async publish(
    batch: Batch,
    { reported }: { reported: Progress['reportedLsn'] },
  ): Promise<'published' | 'unanswered'> {
    const { board, log } = this.#options.context;
    this.#last = batch;
    try {
      await this.#publish(batch, { reported });
      this.#count(batch);
      // Not where the outcome was unknown for a while: whatever may still be sent stays as it is.
      for (const record of batch.records) if (record instanceof PackedRecord) record.release();
      return 'published';
    } catch (error) {
      const failure = operating(error);
      if (this.#over.signal.aborted || !mayAnswerAgain(failure)) throw failure;
      this.doubt = failure;
      board.fail(failure);
      const { code, message } = failure;
      log.warn({ code, reason: message }, 'Kafka does not answer; the slot is kept until it does');
      return 'unanswered';
    }
  }

  /** What the checkpoint says of the batch without an answer, once Kafka answers. Throws OperatingError. */
  async recover(): Promise<Progress> {
    const { context, agreement, backendPid } = this.#options;
    const { configuration, log } = context;
    await this.#publisher.close();
    const expected = agreement.checkpoint;
    const { publisher, checkpoint } = await recover(context, {
      backendPid,
      expected,
      over: this.#over.signal,
    });
    this.#publisher = publisher;
    const { delivery } = configuration;
    const before = this.#held;
    const isThere = this.#last && hasArrived(this.#last, { progress: checkpoint, before, delivery });
    if (this.#last && isThere) this.#count(this.#last);
    if (isThere) context.board.waitingSinceUs = null;
    log.info(
      { checkpoint: describeProgress(checkpoint), batch: isThere ? 'there' : 'sent again' },
      'Kafka answers again',
    );
    return checkpoint;
  }

  /** It is in Kafka. */
  #count({ records, progress }: Batch): void {
    const { context, snapshots } = this.#options;
    this.hasPublished = true;
    this.#held = progress;
    snapshots.published(records);
    context.metrics.countPublished(records);
    if (context.tracer) tracePublished(context.tracer, records);
  }

  async #publish(
    { records, progress }: Batch,
    { reported }: { reported: Progress['reportedLsn'] },
  ): Promise<void> {
    const { context, agreement, parking, snapshots } = this.#options;
    const { destination, metrics } = context;
    const advancesIdle = records.length === 0 && progress.reportedLsn > reported;
    if (advancesIdle) await agreement.ask(performance.now());
    await destination.ensureTopics(records);
    const checkpoint = { ...agreement.checkpoint, ...progress, snapshot: snapshots.stated(records) };
    if (this.#over.signal.aborted) throw sessionOver();
    try {
      await this.#publisher.publish(records, destination.checkpointRecord(checkpoint));
      metrics.batches.inc({ outcome: 'committed' });
    } catch (error) {
      metrics.batches.inc({ outcome: 'unknown' });
      // It fitted when it was made: somebody lowered the limit since, and the next session parks it.
      if (isTooLarge(error)) await parking.requireSameLimits();
      throw error;
    }
  }
}
