/** What people decide about snapshots is kept before it is said, whatever ends a session, in both modes of delivery. */
import { step } from '@diptych/delivery/delivery';
import { acceptsStandalone } from '@diptych/delivery/intake';
import type { Action, DeliveryMode } from '@diptych/delivery/protocol';
import { initialState } from '@diptych/delivery/state';
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { assert } from '@diptych/runtime/assert';
import { append, noSnapshots } from '@diptych/snapshot/log';
import { lsn, lsnZero } from '@diptych/wal/lsn';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PublishedRecord } from '../panels.ts';
import { Ledger } from './ledger.ts';

const limits = {
  ...{
    batchBytesMax: 3,
    pieceBytesMax: 0,
    queueBytesMax: 6,
    statusIntervalMs: 1000,
    idleCheckpointIntervalMs: 10_000,
  },
  ...{ idleCheckpointBytes: 1_000_000, publishTimeoutMs: 30_000, drainTimeoutMs: 10_000 },
};

/** Kafka, as far as a session finds it: the words that were said, and what the checkpoint says. */
interface Kafka {
  readonly words: string[];
  log: SnapshotLog;
}

const record = (panel: 'snapshot' | 'change', text: string): PublishedRecord => ({
  ...{ panel, topic: panel, key: null, value: Buffer.from(text), headers: [], timestampMs: 0, bytes: 1 },
});

/** One session: executes what has no word yet, reads rows beside it, and ends when told. */
class SessionUnderTest {
  readonly #kafka: Kafka;
  readonly #ledger: Ledger;
  readonly #state;
  #pending: { readonly records: readonly PublishedRecord[]; readonly log: SnapshotLog } | null = null;
  #nowMs = 0;

  constructor(kafka: Kafka, mode: DeliveryMode, commands: readonly string[]) {
    this.#kafka = kafka;
    this.#ledger = new Ledger(kafka.log, mode);
    this.#state = initialState<PublishedRecord>({ ...limits, delivery: mode }, 0);
    for (const tag of ['slot-acquired', 'looked', 'fenced'] as const) step(this.#state, { tag });
    const progress = { lsn: lsnZero, part: null, reportedLsn: lsn(0n) };
    step(this.#state, { tag: 'checkpoint-read', progress, confirmedFlushLsn: lsnZero });
    this.#ledger.start({
      accepts: () => acceptsStandalone(this.#state),
      hasRoom: () => true,
      isHeldBack: () => false,
      offer: (records, bytes) =>
        this.#apply(step(this.#state, { tag: 'standalone-offered', records, bytes })),
      stateSoon: () => this.#apply(step(this.#state, { tag: 'statement-wanted' })),
      fail: (error) => {
        throw error;
      },
      finish: () => {},
    });
    void this.#execute(commands.filter((command) => !kafka.words.includes(command)));
  }

  async #execute(commands: readonly string[]): Promise<void> {
    for (const command of commands) {
      const word = record('snapshot', command);
      if (this.#ledger.log.unsaid === command) await this.#ledger.say(word);
      else {
        const tables = [{ schema: 'public', name: command, where: null }];
        await this.#ledger.enact(() => ({
          log: append(this.#ledger.log, { id: command, kind: 'incremental', tables }),
          word,
        }));
      }
    }
  }

  readRow(): void {
    void this.#ledger.between(() => {
      const { log } = this.#ledger;
      this.#ledger.offer([record('change', 'row')], { ...log, sequence: log.sequence + 1 });
    });
  }

  tick(): void {
    this.#nowMs += 100;
    this.#apply(step(this.#state, { tag: 'clock', nowMs: this.#nowMs }));
    this.#ledger.atBoundary();
  }

  answer(): void {
    if (!this.#pending) return;
    const { records } = this.#pending;
    this.arrive({ records: true, checkpoint: true });
    this.#ledger.published(records);
    this.#apply(step(this.#state, { tag: 'published' }));
    this.#ledger.atBoundary();
  }

  /** What of the batch in flight is in Kafka after all. */
  arrive({ records, checkpoint }: { records: boolean; checkpoint: boolean }): void {
    if (!this.#pending) return;
    const said = this.#pending.records.filter(({ panel }) => panel === 'snapshot');
    if (records) this.#kafka.words.push(...said.map(({ value }) => String(value)));
    if (checkpoint) this.#kafka.log = this.#pending.log;
    this.#pending = null;
  }

  #apply(actions: readonly Action<PublishedRecord>[]): void {
    for (const action of actions) {
      assert(action.tag !== 'end', 'the session goes on');
      if (action.tag !== 'publish') continue;
      this.#pending = { records: action.records, log: this.#ledger.stating(action.records) };
    }
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test.each<DeliveryMode>(['exactly-once', 'at-least-once'])(
  '%s: over any number of crashes a command has its effect once, and is never answered without it',
  async (mode) => {
    const act = fc.constantFrom('row', 'tick', 'answer', 'tick', 'answer');
    const crash = fc.record({
      acts: fc.array(act, { maxLength: 25 }),
      records: fc.boolean(),
      checkpoint: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(crash, { maxLength: 8 }), async (crashes) => {
        const commands = ['a', 'b', 'c'];
        const kafka: Kafka = { words: [], log: noSnapshots };
        const expectKept = () => {
          for (const word of kafka.words) expect(kafka.log.tables.map(({ id }) => id)).toContain(word);
        };
        for (const { acts, records, checkpoint } of crashes) {
          const session = new SessionUnderTest(kafka, mode, commands);
          for (const one of acts) {
            if (one === 'row') session.readRow();
            else if (one === 'tick') session.tick();
            else session.answer();
            await settled();
          }
          session.arrive(
            mode === 'exactly-once' ? { records, checkpoint: records } : { records, checkpoint },
          );
          expectKept();
        }
        const last = new SessionUnderTest(kafka, mode, commands);
        for (let turn = 0; turn < 60; turn += 1) {
          last.tick();
          last.answer();
          await settled();
        }
        expectKept();
        expect([...new Set(kafka.words)].toSorted()).toEqual(commands);
        expect(kafka.log.tables.map(({ id }) => id).toSorted()).toEqual(commands);
      }),
      { numRuns: 200 },
    );
  },
);
