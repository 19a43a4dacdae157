/** A record of a panel that waits for its batch, as the bytes it is sent as. */
import { PackedRecord, RecordPacker } from '@diptych/kafka/packed-record';
import { type Body, Slabs } from '@diptych/kafka/slabs';
import type { PublishedRecord } from './panels.ts';

/** What a waiting record is besides its bytes. */
export type WaitingHead = Pick<PublishedRecord, 'topic' | 'timestampMs' | 'panel' | 'bytes'>;

/** Released ones that are kept for the next: about as many small ones as a relay lets wait by default. */
const freeRecordsMax = 49_152;

/** Made by `WaitingRecords`, and used again by it when it was released. */
export class WaitingRecord extends PackedRecord implements PublishedRecord {
  panel: PublishedRecord['panel'];
  bytes: number;
  readonly #home: WaitingRecord[];

  constructor(head: WaitingHead, body: Body, home: WaitingRecord[]) {
    super(head, body);
    this.panel = head.panel;
    this.bytes = head.bytes;
    this.#home = home;
  }

  override hold(head: WaitingHead, body: Body): void {
    super.hold(head, body);
    this.panel = head.panel;
    this.bytes = head.bytes;
  }

  override release(): void {
    super.release();
    if (this.#home.length < freeRecordsMax) this.#home.push(this);
  }
}

/** The waiting records of one session. Those that were published are used again: whatever is new is copied while it waits. */
export class WaitingRecords {
  /** Where they stand. */
  readonly slabs = new Slabs();
  readonly #packer = new RecordPacker(this.slabs);
  readonly #free: WaitingRecord[] = [];

  /** A record that stands where `body` says now. */
  take(head: WaitingHead, body: Body): WaitingRecord {
    const free = this.#free.pop();
    if (free === undefined) return new WaitingRecord(head, body, this.#free);
    free.hold(head, body);
    return free;
  }

  /**
   * Puts records as they wait in the place of what they were: the same to whoever reads them. One that is long, or of another
   * kind than nearly all, stays. Answers how many bytes they take, about.
   */
  pack(records: PublishedRecord[]): number {
    let bytes = 0;
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index] as PublishedRecord;
      bytes += record.bytes;
      const body = record.snapshotLog === undefined ? this.#packer.pack(record) : null;
      if (body) records[index] = this.take(record, body);
    }
    return bytes;
  }
}
