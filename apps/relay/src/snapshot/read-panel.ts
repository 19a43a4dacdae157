/** Rows that were read to records: as the change panel makes them, with the identity of a snapshot. */
import type { Row } from '@diptych/pgoutput/row';
import { assert } from '@diptych/runtime/assert';
import type { DescribedTable } from '@diptych/snapshot/described-table';
import type { SnapshotMarker } from '@diptych/snapshot/marker';
import { readRow } from '@diptych/snapshot/read-row';
import { type Lsn, xid } from '@diptych/wal/lsn';
import type { ReadRows } from '@diptych/wal/read-rows';
import type { SourceSystem } from '@diptych/wal/server';
import type { ChangePanel } from '../change-panel.ts';
import { bytesOf, IdentityStamp } from '../identity-stamp.ts';
import type { PublishedRecord } from '../panels.ts';
import type { Poison } from '../parking/poison.ts';
import { rowTooLarge } from '../row-size.ts';
import { WaitingRecords } from '../waiting-record.ts';
import { type WrittenHeader, WrittenRecords } from '../written-records.ts';

/** Names the snapshot on each of its records. */
export const snapshotHeader = 'diptych-snapshot';

export interface Reading {
  /** Of the snapshot. */
  readonly id: string;
  readonly described: DescribedTable;
  readonly rows: ReadRows;
  readonly markerOf: (index: number) => SnapshotMarker;
  /** The place of the row before the first one among all that snapshots ever read. */
  readonly sequence: number;
  /** Where the rows stand among transactions: no commit record begins there. */
  readonly lsn: Lsn;
  /** What `source.lsn` says; null: nothing. */
  readonly sourceLsn: Lsn | null;
  readonly timeUs: bigint;
}

export interface ReadPanelOptions {
  readonly change: ChangePanel;
  readonly poison: Poison;
  readonly source: SourceSystem;
  readonly rowBytesMax: number;
}

export class ReadPanel {
  readonly #options: ReadPanelOptions;
  readonly #stamp: IdentityStamp;
  readonly #written: WrittenRecords;

  constructor(options: ReadPanelOptions) {
    const { source, poison } = options;
    this.#options = options;
    this.#stamp = new IdentityStamp(source);
    this.#written = new WrittenRecords({ poison, stamp: this.#stamp, waiting: new WaitingRecords() });
  }

  /** One record for each row, with the places of the rows as ordinals. Throws what the policy `stop` does not set aside. */
  encode(read: Reading): PublishedRecord[] {
    const { lsn, timeUs, rows, described } = read;
    this.#options.change.noteKey(described.relation, described.key);
    this.#stamp.begin({
      commitLsn: lsn,
      commitTimeUs: timeUs,
      xid: xid(0),
      previousCommitEndLsn: null,
      origin: null,
    });
    const header = { name: Buffer.from(snapshotHeader), text: Buffer.from(read.id) };
    const records: PublishedRecord[] = [];
    for (let index = 0; index < rows.length; index += 1) {
      const row = readRow(rows, index);
      // Of the last one there is more to say.
      const plain = index < rows.length - 1 ? this.#plain(read, { row, index }, header) : null;
      if (plain) records.push(plain);
      else records.push(...this.#record(read, { row, index }));
    }
    return records;
  }

  /** The short way of nearly all, as `PlainRecords` has it for changes; null for what is out of the ordinary. */
  #plain(
    read: Reading,
    { row, index }: { row: Row; index: number },
    header: WrittenHeader,
  ): PublishedRecord | null {
    const { change, poison, rowBytesMax } = this.#options;
    if (row.size > rowBytesMax || !poison.isQuiet) return null;
    const { timeUs, sourceLsn: lsn } = read;
    const source = { marker: read.markerOf(index), timeUs, lsn };
    const written = change.writeRead(read.described.relation, row, source);
    return (
      written && this.#written.of(written, { panel: 'change', ordinal: read.sequence + index + 1 }, header)
    );
  }

  #record(read: Reading, { row, index }: { row: Row; index: number }): PublishedRecord[] {
    const { change, poison, rowBytesMax } = this.#options;
    const { relation } = read.described;
    const large = rowTooLarge(
      { message: { tag: 'insert', relation, after: row } },
      {
        bytes: row.size,
        rowBytesMax,
      },
    );
    const made = change.encodeRead(relation, row, {
      ...{ marker: read.markerOf(index), timeUs: read.timeUs, lsn: read.sourceLsn },
      withoutValues: large !== null,
    });
    if (!made) return [];
    const ordinal = read.sequence + index + 1;
    assert(made.topic !== '', 'a table has a topic');
    const record = this.#stamp.stamp(
      { ...made, headers: [...made.headers, [snapshotHeader, read.id]] },
      { panel: 'change', ordinal, part: 0 },
    );
    const failure = large ?? made.failure ?? null;
    const parked = poison.park({
      ...{ record, panel: 'change', topic: made.topic, failure, isDecided: false },
      ...(large || failure?.code === 'payload-not-maskable'
        ? { original: row.bytes.subarray(read.rows.start(index), read.rows.end(index)) }
        : {}),
    });
    if (parked) return [{ ...parked, panel: 'parked', bytes: bytesOf(parked) }];
    if (failure) throw failure;
    return [record];
  }
}
