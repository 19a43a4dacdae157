/** Reads the slot's stream up to one transaction, to see that nothing unpublished comes before it. */

import type { Event } from '@diptych/delivery/protocol';
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { Decoder } from '@diptych/pgoutput/decoder';
import { OperatingError } from '@diptych/runtime/failure';
import { formatLsn, type Lsn, type Xid } from '@diptych/wal/lsn';
import { ReplicationSession, type WalMessage } from '@diptych/wal/session';
import type { Configuration } from './configuration.ts';
import type { Panels, PublishedRecord } from './panels.ts';

/** What is known of a transaction when it begins. */
export interface Beginning {
  readonly commitLsn: Lsn;
  readonly commitTimeUs: bigint;
  readonly xid: Xid;
}

export interface Search {
  readonly commitLsn: Lsn;
  readonly checkpoint: Checkpoint;
  readonly panels: Panels;
}

/** A server that sends WAL goes through gigabytes in this time. */
const searchTimeoutMs = 600_000;

/** The server ends a session that says nothing for its wal_sender_timeout. */
const answerIntervalMs = 1000;

const beginTag = 0x42;

/** A session of its own on the slot: while it lasts, no relay has it. */
export class SkipSearch {
  readonly #replication: ReplicationSession;
  readonly #found = Promise.withResolvers<Beginning>();
  #search: Search | null = null;
  #open: Beginning | null = null;

  constructor(databaseUrl: string, { slot, outbox, change, timing }: Configuration) {
    this.#found.promise.catch(() => {}); // whoever asks is told
    this.#replication = new ReplicationSession(
      {
        databaseUrl,
        slot,
        publications: [outbox.publication, change.publication],
        walSenderTimeoutMs: timing.walSenderTimeoutMs,
      },
      {
        onMessage: (message) => this.#read(message),
        onKeepalive: (walEnd) => this.#passed(walEnd),
        onEnd: (failure) => this.#found.reject(this.#before(failure)),
      },
    );
  }

  /** Takes the slot. Throws OperatingError, `slot-held` when a relay has it. */
  hold(): Promise<void> {
    return this.#replication.start();
  }

  /**
   * The transaction, found as the first that has anything to publish. Throws OperatingError `skip-refused` when it is not,
   * and what ends the stream before.
   */
  async find(search: Search): Promise<Beginning> {
    this.#search = search;
    const { reportedLsn } = search.checkpoint;
    const answer = setInterval(
      () => this.#replication.report({ received: reportedLsn, flushed: reportedLsn }),
      answerIntervalMs,
    );
    const tooLong = setTimeout(() => this.#refuse('the stream did not come to it in time'), searchTimeoutMs);
    try {
      this.#replication.stream();
      return await this.#found.promise;
    } finally {
      clearInterval(answer);
      clearTimeout(tooLong);
      this.#search = null;
    }
  }

  /** Frees the slot. */
  end(): Promise<void> {
    return this.#replication.stop();
  }

  #read(message: WalMessage): void {
    if (!this.#search) return;
    const { panels, commitLsn, checkpoint } = this.#search;
    try {
      if (message.bytes[message.start] === beginTag) this.#begin(message);
      // It may be what nobody can read: that it begins is enough.
      if (this.#open?.commitLsn === commitLsn) return this.#found.resolve(this.#open);
      const isPublished = (this.#open?.commitLsn ?? commitLsn) <= checkpoint.lsn;
      const events = panels.read(message, () => ({ tag: isPublished ? 'skip' : 'take' }));
      this.#judge(events, checkpoint);
    } catch (error) {
      this.#found.reject(error instanceof OperatingError ? this.#before(error) : error);
    }
  }

  /** Nothing that would be published may come first. A logical message outside every transaction is one by itself. */
  #judge(events: readonly Event<PublishedRecord>[], checkpoint: Checkpoint): void {
    let at = this.#open?.commitLsn ?? null;
    for (const event of events) {
      if (event.tag === 'transaction-began') at = event.commitLsn;
      const isPublished = at !== null && at <= checkpoint.lsn;
      if ('records' in event && event.records.length > 0 && !isPublished)
        this.#refuse(comesFirst(at, 'is not published yet'));
      if (event.tag === 'transaction-ended') this.#open = null;
    }
  }

  #begin({ bytes, start, end }: WalMessage): void {
    const message = new Decoder().decode(bytes, start, end);
    if (message.tag !== 'begin') return;
    this.#open = message;
    const asked = this.#search?.commitLsn ?? message.commitLsn;
    if (message.commitLsn > asked) {
      this.#refuse(`no transaction commits there; the next one commits at ${formatLsn(message.commitLsn)}`);
    }
  }

  /** Everything before `walEnd` was sent, unless a transaction is open. */
  #passed(walEnd: Lsn): void {
    if (!this.#search || this.#open || walEnd <= this.#search.commitLsn) return;
    this.#refuse('no transaction with a published table commits there');
  }

  /** What went wrong in a transaction that comes before the one that was asked for. */
  #before(failure: OperatingError): OperatingError {
    return this.#open
      ? refusedSkip(comesFirst(this.#open.commitLsn, `cannot be read: ${failure.message}`), failure)
      : failure;
  }

  #refuse(why: string): void {
    this.#found.reject(refusedSkip(why));
  }
}

function comesFirst(at: Lsn | null, what: string): string {
  const where = at === null ? 'an unknown position' : formatLsn(at);
  return `the transaction that commits at ${where} comes first, and ${what}`;
}

/** Nothing was changed. */
export function refusedSkip(why: string, cause?: unknown): OperatingError {
  return new OperatingError('skip-refused', `nothing was skipped: ${why}`, {
    remedy:
      'Start the relay: it publishes what comes first, and names the commit LSN at which it stops. Skip that one.',
    cause,
  });
}
