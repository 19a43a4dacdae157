/** The way of a session's bytes through decoder, assembler and encoder, as the relay goes it. */
import { Decoder } from '@diptych/pgoutput/decoder';
import { Assembler } from '@diptych/transaction/assembler';
import type { PanelRecord } from '@diptych/transaction/panel-record';
import { type Lsn, lsn } from '@diptych/wal/lsn';
import { ChangeEncoder } from './change-encoder.ts';
import type { ChangeEncoderOptions } from './encoder-options.ts';
import { encodeEnd } from './end.ts';
import { transactionSchemas } from './record-schema.ts';
import { TopicNames } from './topic-name.ts';
import { TransactionCounters } from './transaction-counters.ts';

export type PublishOptions = Partial<ChangeEncoderOptions> & {
  readonly previousCommitEndLsn?: Lsn | null;
  /** Which changes have no envelope; left out: none. */
  readonly isTooLarge?: (ordinal: number) => boolean;
};

/** The records of all transactions, each with its END in topic `p.transaction` unless nothing came of it. */
export function publishForTests(
  messages: Iterable<{ readonly lsn: Lsn; readonly bytes: Buffer }>,
  { previousCommitEndLsn = lsn(16n), isTooLarge = () => false, ...options }: PublishOptions = {},
): PanelRecord[] {
  const decoder = new Decoder();
  const assembler = new Assembler({ previousCommitEndLsn });
  const encoder = new ChangeEncoder({
    version: '0.1.0',
    prefix: 'p',
    database: 'shop',
    topics: new TopicNames(),
    nowMs: () => 1_795_246_912_700,
    ...options,
  });
  const records: PanelRecord[] = [];
  const schemas = options.representation?.schemas === 'inline' ? transactionSchemas : null;
  let counters: TransactionCounters | undefined;
  for (const { lsn: position, bytes } of messages) {
    const message = decoder.decode(bytes);
    if (message.tag === 'type') options.representation?.types?.learn(message);
    const item = assembler.read(message, { position });
    if (item?.tag === 'begin') counters = new TransactionCounters(item.transaction);
    if (item?.tag === 'change' && counters) {
      const withoutValues = isTooLarge(item.ordinal);
      records.push(...encoder.encode(item, counters, { withoutValues }));
    }
    if (item?.tag === 'end' && counters && !counters.isEmpty) {
      records.push(encodeEnd(item, { counters, topic: 'p.transaction', schemas }));
    }
    // The bytes are only lent: what was made of them must not change with them.
    bytes.fill(0xff);
  }
  return records;
}
