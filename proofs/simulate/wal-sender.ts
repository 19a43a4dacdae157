/**
 * The walsender: sends committed transactions in commit order, from the slot's position on.
 * https://www.postgresql.org/docs/18/protocol-replication.html
 */
import { type Lsn, lsnZero } from '@diptych/wal/lsn';
import { timing } from './plan.ts';
import type { ReplicationLink, StatusUpdate } from './replication-link.ts';
import type { StreamEvent, Wal } from './wal.ts';
import type { World } from './world.ts';

/** What one read of the relay's socket brings at most. */
const chunkMessagesMax = 8;
const keepaliveInTransactionChance = 0.04;
const keepaliveBetweenTransactionsChance = 0.1;

interface WalSenderOptions {
  readonly wal: Wal;
  readonly link: ReplicationLink;
  /** The slot's confirmed position at START_REPLICATION. */
  readonly startAt: Lsn;
  readonly confirm: (flushed: Lsn) => void;
  readonly onEnd: (sender: WalSender) => void;
}

export class WalSender {
  readonly #world: World;
  readonly #options: WalSenderOptions;
  /** The transaction to send, and how many of its messages are sent. */
  #transaction = 0;
  #message = 0;
  #scheduled = false;
  #ended = false;
  #lastReplyAtMs: number;
  #pinged = false;
  /** What the relay said last. */
  #status: StatusUpdate = { received: lsnZero, flushed: lsnZero };
  /** Something came since the last keepalive of a caught-up sender: one more may be sent. */
  #stirred = true;

  constructor(world: World, options: WalSenderOptions) {
    this.#world = world;
    this.#options = options;
    this.#lastReplyAtMs = world.nowMs;
    options.link.accept({
      onStatus: (status) => this.#receive(status),
      onRead: () => this.#schedule(),
      onClose: () => this.end('connection lost'),
    });
    this.wake();
    this.#watch();
  }

  /** The WAL has grown. */
  wake(): void {
    this.#stirred = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#ended) return;
    this.#scheduled = true;
    this.#world.agenda.after(this.#world.random.between(0.05, 1.5), () => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#world.say(() => `postgres: walsender ends, ${why}`);
    this.#options.link.closeFromServer();
    this.#options.onEnd(this);
  }

  serves(link: ReplicationLink): boolean {
    return this.#options.link === link;
  }

  cut(notices: { clientNoticesMs: number; serverNoticesMs: number }): void {
    this.#options.link.cut(notices);
  }

  #pump(): void {
    const { link, wal } = this.#options;
    if (this.#ended || link.full) return;
    const chunk: StreamEvent[] = [];
    const size = this.#world.random.whole(1, chunkMessagesMax);
    while (chunk.length < size && this.#sendNext(chunk));
    if (chunk.length < size && this.#stirred && this.#isBehind()) {
      this.#stirred = false;
      chunk.push({ tag: 'keepalive', walEnd: wal.end, replyRequested: false });
    }
    if (chunk.length === 0) return;
    link.send(chunk);
    this.#schedule();
  }

  /** A sender that has caught up says so only while the relay has neither written nor flushed that far (WalSndWaitForWal). */
  #isBehind(): boolean {
    const { received, flushed } = this.#status;
    return received < this.#options.wal.end && flushed < this.#options.wal.end;
  }

  /** The skip rule: a transaction is skipped exactly when the start of its commit record is before the position. */
  #sendNext(chunk: StreamEvent[]): boolean {
    const { wal, startAt } = this.#options;
    const transaction = wal.transactions[this.#transaction];
    if (!transaction) return false;
    if (transaction.commitLsn < startAt) {
      this.#transaction += 1;
      return true;
    }
    const inside = this.#message > 0;
    if (
      this.#world.random.chance(inside ? keepaliveInTransactionChance : keepaliveBetweenTransactionsChance)
    ) {
      chunk.push(this.#keepalive(this.#world.random.chance(0.3)));
    }
    const message = transaction.messages[this.#message];
    if (message) chunk.push(message);
    this.#message += 1;
    if (this.#message >= transaction.messages.length) {
      this.#transaction += 1;
      this.#message = 0;
    }
    return true;
  }

  #keepalive(replyRequested: boolean): StreamEvent {
    return { tag: 'keepalive', walEnd: this.#walEnd(), replyRequested };
  }

  /**
   * Outside a transaction: how far the WAL is decoded. Inside one the manual promises no more than "the current end of
   * WAL on the server", so that is what the model may send; PostgreSQL 18 sends the position before the commit record.
   */
  #walEnd(): Lsn {
    const { wal } = this.#options;
    const next = wal.transactions[this.#transaction];
    if (!next) return wal.end;
    if (this.#message === 0 || this.#world.random.chance(0.3)) return next.commitLsn;
    return this.#world.random.chance(0.5) ? next.commitEndLsn : wal.end;
  }

  #receive(status: StatusUpdate): void {
    if (this.#ended) return;
    this.#status = status;
    this.#lastReplyAtMs = this.#world.nowMs;
    this.#pinged = false;
    if (status.flushed !== lsnZero) this.#options.confirm(status.flushed);
    this.wake();
  }

  /** Asks at half of `wal_sender_timeout`, gives the slot free at the whole of it. */
  #watch(): void {
    if (this.#ended) return;
    const silentMs = this.#world.nowMs - this.#lastReplyAtMs;
    const { walSenderTimeoutMs } = timing;
    if (silentMs >= walSenderTimeoutMs) return this.end('wal_sender_timeout');
    if (silentMs >= walSenderTimeoutMs / 2 && !this.#pinged) {
      this.#pinged = true;
      this.#options.link.send([this.#keepalive(true)]);
    }
    const nextMs = this.#pinged ? walSenderTimeoutMs : walSenderTimeoutMs / 2;
    this.#world.agenda.at(this.#lastReplyAtMs + nextMs + 0.01, () => this.#watch());
  }
}
