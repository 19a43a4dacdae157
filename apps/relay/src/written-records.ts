/** Records that are written to where they wait, piece by piece, with the identities of one stamp. */
import { BodyWriter } from '@diptych/kafka/body-writer';
import { identityBytesMax } from '@diptych/kafka/identity';
import { recordOverheadBytesMax } from '@diptych/kafka/packing';
import type { WrittenRecord } from '@diptych/transaction/panel-record';
import { type IdentityStamp, sizeOf } from './identity-stamp.ts';
import type { PublishedRecord } from './panels.ts';
import type { Poison } from './parking/poison.ts';
import type { WaitingRecords } from './waiting-record.ts';

export interface WrittenRecordsOptions {
  readonly poison: Poison;
  readonly stamp: IdentityStamp;
  readonly waiting: WaitingRecords;
}

/** A header besides the identity. */
export interface WrittenHeader {
  readonly name: Buffer;
  readonly text: Buffer;
}

/** Lengths of key and value, number of headers. */
export const lengthsBytes = 3 * 5;

export class WrittenRecords {
  readonly body: BodyWriter;
  readonly #options: WrittenRecordsOptions;

  constructor(options: WrittenRecordsOptions) {
    this.#options = options;
    this.body = new BodyWriter(options.waiting.slabs);
  }

  /** Null when it is too long, or its topic does not take it. */
  of(
    { topic, bytes, start, keyEnd, end, isKeyed }: WrittenRecord,
    { panel, ordinal }: { panel: PublishedRecord['panel']; ordinal: number },
    header: WrittenHeader | null = null,
  ): PublishedRecord | null {
    const body = this.body;
    const headerBytes = header === null ? 0 : 2 * 5 + header.name.length + header.text.length;
    if (!body.begin(end - start + lengthsBytes + identityBytesMax + headerBytes)) return null;
    if (isKeyed) body.key(bytes, start, keyEnd);
    else body.nothing();
    body.sized(bytes, keyEnd, end);
    body.length(header === null ? 1 : 2);
    this.#options.stamp.writer.write(body, { ordinal, part: 0 });
    if (header !== null) {
      body.sized(header.name, 0, header.name.length);
      body.sized(header.text, 0, header.text.length);
    }
    return this.close({ topic, panel, bytes: sizeOf(end - start, header === null ? 0 : 1) });
  }

  /** What stands in the body, as a record that waits; null when its topic does not take it. */
  close(head: Pick<PublishedRecord, 'topic' | 'panel' | 'bytes'>): PublishedRecord | null {
    const { poison, stamp, waiting } = this.#options;
    const { topic, panel, bytes } = head;
    if (!poison.takes(topic, this.body.end - this.body.start + recordOverheadBytesMax)) return null;
    return waiting.take({ topic, timestampMs: stamp.timestampMs, panel, bytes }, this.body.close());
  }
}
