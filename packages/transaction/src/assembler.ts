import type { DataMessage, Message } from '@diptych/pgoutput/message';
import { assert } from '@diptych/runtime/assert';
import { formatLsn, type Lsn } from '@diptych/wal/lsn';
import type { Origin, Transaction, TransactionItem } from './transaction.ts';

type BeginMessage = Extract<Message, { tag: 'begin' }>;
type CommitMessage = Extract<Message, { tag: 'commit' }>;

/** A transaction between its Begin and its Commit: the origin comes in a message of its own, right after Begin. */
interface OpenTransaction extends Transaction {
  origin: Origin | null;
}

/**
 * Puts each message into its transaction and counts. Holds the grammar of protocol version 1, `begin origin? (data |
 * relation | type)* commit`, by assertion: a session that broke it cannot be trusted with a position.
 */
export class Assembler {
  #open: OpenTransaction | null = null;
  #ordinal = 0;
  #previousCommitEndLsn: Lsn | null;

  /** `previousCommitEndLsn`: end of the last commit before this session, when it is known. */
  constructor({ previousCommitEndLsn = null }: { readonly previousCommitEndLsn?: Lsn | null } = {}) {
    this.#previousCommitEndLsn = previousCommitEndLsn;
  }

  /**
   * Takes the next message; undefined when nothing follows from it. `lsn` is the WAL start of the XLogData that carried
   * it; left out, changes carry the LSN of their commit.
   */
  read(message: Message, lsn?: Lsn): TransactionItem | undefined {
    switch (message.tag) {
      case 'begin':
        return this.#begin(message);
      case 'commit':
        return this.#commit(message);
      case 'origin': {
        const open = this.#inside(message);
        assert(open.origin === null && this.#ordinal === 0, 'an origin follows its Begin, once');
        open.origin = { name: message.name, lsn: message.lsn };
        return undefined;
      }
      case 'relation':
      case 'type':
        return undefined;
      case 'message':
        return message.transactional ? this.#change(message, lsn) : { tag: 'message', message };
      default:
        return this.#change(message, lsn);
    }
  }

  #begin({ xid, commitLsn, commitTimeUs }: BeginMessage): TransactionItem {
    assert(this.#open === null, `transaction ${xid} begins inside transaction ${this.#open?.xid}`);
    const previousCommitEndLsn = this.#previousCommitEndLsn;
    this.#open = { xid, commitLsn, commitTimeUs, previousCommitEndLsn, origin: null };
    this.#ordinal = 0;
    return { tag: 'begin', transaction: this.#open };
  }

  #change(message: DataMessage, lsn: Lsn | undefined): TransactionItem {
    const transaction = this.#inside(message);
    this.#ordinal += 1;
    return { tag: 'change', transaction, ordinal: this.#ordinal, lsn: lsn ?? transaction.commitLsn, message };
  }

  #commit(message: CommitMessage): TransactionItem {
    const transaction = this.#inside(message);
    const { commitLsn, commitEndLsn } = message;
    assert(
      commitLsn === transaction.commitLsn,
      `transaction ${transaction.xid} begins for ${formatLsn(transaction.commitLsn)} and commits at ${formatLsn(commitLsn)}`,
    );
    assert(
      commitEndLsn > commitLsn,
      `the commit at ${formatLsn(commitLsn)} ends at ${formatLsn(commitEndLsn)}`,
    );
    this.#open = null;
    this.#previousCommitEndLsn = commitEndLsn;
    return { tag: 'end', transaction, commitEndLsn, rawMessages: this.#ordinal };
  }

  #inside(message: Message): OpenTransaction {
    assert(this.#open !== null, `a ${message.tag} message outside a transaction`);
    return this.#open;
  }
}
