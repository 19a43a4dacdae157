/** What snapshots have to know of the stream: which transactions it brought, what it changed in a window, how far it is. */
import { unreachable } from '@diptych/runtime/assert';
import { RecentCommits, type Visibility } from '@diptych/snapshot/visibility';
import type { Window } from '@diptych/snapshot/window';
import type { TransactionItem } from '@diptych/transaction/transaction';
import { type Lsn, lsnZero, type Xid } from '@diptych/wal/lsn';
import { watermarkPrefix } from '@diptych/wal/watermark';

/**
 * Commits that a reader may not see yet, although the stream has brought them: those that wait for a standby, at most one
 * for each connection, and those of the last moments.
 */
const recentCommitsMax = 20_000;

/** Where a window ends: at a mark of its own, or once the stream has passed a position. */
export type WindowEnd =
  | { readonly tag: 'mark'; readonly mark: string }
  | { readonly tag: 'position'; readonly position: Lsn };

export class StreamWatch {
  readonly #commits = new RecentCommits({ max: recentCommitsMax });
  /** Commits came that are not among these: before this session, or too many since. */
  #isUnsure = true;
  /** Since the window is open: what came in it is known by its keys. */
  #during = new RecentCommits({ max: recentCommitsMax });
  #window: Window | null = null;
  #end: WindowEnd | null = null;
  #mark: string | null = null;
  #hasEnded = false;
  #received: Lsn = lsnZero;
  /** The transaction of which a part has come. */
  #open: Xid | null = null;

  /** Takes whatever the stream brings, in its order. */
  see(item: TransactionItem): void {
    switch (item.tag) {
      case 'begin':
        this.#open = item.transaction.xid;
        return;
      case 'change': {
        const { message } = item;
        if (message.tag === 'message') this.#mark ??= markOf(message);
        else this.#window?.take(message);
        return;
      }
      case 'end':
        this.#ended(item.transaction.xid, item.commitEndLsn);
        return;
      case 'message':
        return;
      default:
        unreachable(item);
    }
  }

  /** The server says that it has sent everything before this position. */
  passed(position: Lsn): void {
    if (this.#open !== null) return;
    if (position > this.#received) this.#received = position;
    if (this.#end?.tag === 'position' && this.#received >= this.#end.position) this.#hasEnded = true;
  }

  /** A chunk is asked for: from now on what the stream changes in its table is kept. */
  open(window: Window): void {
    this.close();
    // What has come of it is not in the window.
    if (this.#open !== null) this.#commits.add(this.#open);
    this.#window = window;
  }

  /** The chunk was read. */
  awaitEnd(end: WindowEnd): void {
    this.#end = end;
    this.passed(this.#received);
  }

  /** Whether the window has ended. Between two transactions. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Everything before it has come. */
  get received(): Lsn {
    return this.#received;
  }

  /** Whether commits that a reader may not see yet are not known: they have to be waited for. */
  get isUnsure(): boolean {
    return this.#isUnsure || this.#commits.hasForgotten;
  }

  /** They are waited for: what came until now, all will see. */
  settle(): void {
    this.#isUnsure = false;
    this.#commits.settle();
  }

  /** Whether the stream brought something before the window that the chunk's read could not see. */
  hasUnseen(visibility: Visibility): boolean {
    return this.#commits.unseenBy(visibility).length > 0;
  }

  close(): void {
    this.#commits.addAll(this.#during);
    this.#during = new RecentCommits({ max: recentCommitsMax });
    this.#window = null;
    this.#end = null;
    this.#hasEnded = false;
  }

  #ended(xid: Xid, commitEndLsn: Lsn): void {
    this.#open = null;
    (this.#window ? this.#during : this.#commits).add(xid);
    const mark = this.#mark;
    this.#mark = null;
    this.passed(commitEndLsn);
    if (this.#end?.tag === 'mark' && mark === this.#end.mark) this.#hasEnded = true;
  }
}

function markOf({ prefix, content }: { prefix: string; content: Buffer }): string | null {
  return prefix === watermarkPrefix ? content.toString() : null;
}
