import type { DataMessage, Message } from '@diptych/pgoutput/message';
import { assert, unreachable } from '@diptych/runtime/assert';
import type { Lsn } from '@diptych/wal/lsn';
import type { Origin, Transaction, TransactionItem } from './transaction.ts';

type BeginMessage = Extract<Message, { tag: 'begin' }>;
type CommitMessage = Extract<Message, { tag: 'commit' }>;

/** What a message came in. */
type Carrier = { readonly position: Lsn };

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

  /** End of the last commit that was read; null when none is known. */
  get previousCommitEndLsn(): Lsn | null {
    return this.#previousCommitEndLsn;
  }

  /**
   * Takes the next message; undefined when nothing follows from it. `carrier` tells the WAL start of the XLogData that carried
   * it, which only changes have; left out, they carry the LSN of their commit.
   */
  read(message: Message, carrier?: Carrier): TransactionItem | undefined {
    switch (message.tag) {
      case 'begin':
        return this.#begin(message);
      case 'commit':
        return this.#commit(message);
      case 'origin': {
        const open = this.#inside();
        assert(open.origin === null && this.#ordinal === 0, 'an origin follows its Begin, once');
        open.origin = { name: message.name, lsn: message.lsn };
        return undefined;
      }
      case 'relation':
      case 'type':
        return undefined;
      case 'message':
        return message.transactional ? this.#change(message, carrier) : { tag: 'message', message };
      case 'insert':
      case 'update':
      case 'delete':
      case 'truncate':
        return this.#change(message, carrier);
      default:
        return unreachable(message);
    }
  }

  #begin({ xid, commitLsn, commitTimeUs }: BeginMessage): TransactionItem {
    assert(this.#open === null, 'a transaction begins inside another');
    const previousCommitEndLsn = this.#previousCommitEndLsn;
    this.#open = { xid, commitLsn, commitTimeUs, previousCommitEndLsn, origin: null };
    this.#ordinal = 0;
    return { tag: 'begin', transaction: this.#open };
  }

  #change(message: DataMessage, carrier: Carrier | undefined): TransactionItem {
    const transaction = this.#inside();
    this.#ordinal += 1;
    const lsn = carrier === undefined ? transaction.commitLsn : carrier.position;
    return { tag: 'change', transaction, ordinal: this.#ordinal, lsn, message };
  }

  #commit(message: CommitMessage): TransactionItem {
    const transaction = this.#inside();
    const { commitLsn, commitEndLsn } = message;
    assert(commitLsn === transaction.commitLsn, 'a transaction commits where its Begin said');
    assert(commitEndLsn > commitLsn, 'a commit ends after its start');
    this.#open = null;
    this.#previousCommitEndLsn = commitEndLsn;
    return { tag: 'end', transaction, commitEndLsn, rawMessages: this.#ordinal };
  }

  #inside(): OpenTransaction {
    assert(this.#open !== null, 'what belongs to a transaction comes inside one');
    return this.#open;
  }
}
