/** A record of a panel that waits for its batch, as the bytes it is sent as. */
import { type Body, PackedRecord, RecordPacker, type Slabs } from '@diptych/kafka/packed-record';
import type { PublishedRecord } from './panels.ts';

/** What a waiting record is besides its bytes. */
export type WaitingHead = Pick<PublishedRecord, 'topic' | 'timestampMs' | 'panel' | 'bytes'>;

export class WaitingRecord extends PackedRecord implements PublishedRecord {
  readonly panel: PublishedRecord['panel'];
  readonly bytes: number;

  constructor(head: WaitingHead, body: Body) {
    super(head, body);
    this.panel = head.panel;
    this.bytes = head.bytes;
  }
}

/** Packs the records of one session. */
export class WaitingRecords {
  readonly #packer: RecordPacker;

  constructor(slabs: Slabs) {
    this.#packer = new RecordPacker(slabs);
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
      if (body) records[index] = new WaitingRecord(record, body);
    }
    return bytes;
  }
}
