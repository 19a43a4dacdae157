/** The differences that we mean in what a snapshot read, and in what has no form in a mode. */
import { stringifyLossless } from '@diptych/runtime/json';
import { absent, type Difference } from './compare.ts';
import { bothModes, type Declared } from './declaration.ts';
import { isObject, isReadRow, type Observed } from './observed.ts';
import { topicInKafka } from './read-rows.ts';

export const declaredReads: readonly Declared[] = [
  {
    name: 'a-read-row-has-no-transaction',
    reason:
      'A row that was read was written by no transaction that anybody saw. The reference gives the number of the transaction ' +
      'in which it read.',
    modes: bothModes,
    holds: ({ path, ours, theirs, pair }) =>
      isOfRead(pair) && path === 'value.source.txId' && ours === null && theirs !== absent,
  },
  {
    name: 'read-or-streamed',
    reason:
      'A row that changes while it is read beside the stream is left out of what is read, or read before or after the change, as ' +
      'each side comes to it. The stream has it in either case: the fold shows that nothing is lost.',
    modes: bothModes,
    holds: ({ topic, pair }, _type, { streamed }) => {
      const record = pair.ours ?? pair.theirs;
      return isOfRead(pair) && streamed.has(`${topicInKafka(topic)} ${stringifyLossless(record?.key)}`);
    },
  },
  {
    name: 'read-again-beside-the-stream',
    reason:
      'What is read again at a later start is read in chunks beside the stream, which goes on; the reference stops the stream ' +
      'for it, and marks it as an initial snapshot of a position.',
    modes: bothModes,
    holds: ({ path, pair }) =>
      isOfRead(pair) &&
      /^value\.source\.(snapshot|lsn|sequence|txId)$/.test(path) &&
      markerOf(pair.ours) === 'incremental' &&
      markerOf(pair.theirs) !== 'incremental',
  },
  {
    name: 'read-before-christ',
    reason:
      'The reference reads dates before the year 1 as if they were after it: 0044-03-15 BC as 0044-03-15. Streamed it gives them ' +
      'as they are, and so do we in both.',
    modes: bothModes,
    holds: ({ ours, pair }, type) =>
      isOfRead(pair) &&
      /^date\b/.test(type ?? '') &&
      (typeof ours === 'number' ? ours < daysOfYear1 : /^-\d{4,}-\d\d-\d\dZ$/.test(String(ours))),
  },
  {
    name: 'tables-are-read-at-once',
    reason:
      'Several tables are read at once, so which row is the first or the last of all is whichever it is. The reference knows no ' +
      'first row when its first table is empty.',
    modes: bothModes,
    holds: ({ path, ours, theirs, pair }) =>
      isOfRead(pair) &&
      path === 'value.source.snapshot' &&
      [ours, theirs]
        .map((marker) => String(marker).replace('_in_data_collection', ''))
        .every((one, _, [a]) => one === a),
  },
  {
    name: 'parked-not-null',
    reason:
      'A value without a form in the mode (NaN as a decimal, an infinite interval as a number) parks its change, which ' +
      'nothing replaces: the reference publishes null for it, or ends.',
    modes: bothModes,
    holds: ({ topic, path, ours, pair }, _type, { parked }) => {
      const value = pair.ours?.value ?? pair.theirs?.value;
      if (topic === 'transaction' && isObject(value)) {
        return /^value\.(event_count|data_collections)\b/.test(path) && Number(value.parked_count) > 0;
      }
      const xid = isObject(value) && isObject(value.source) ? String(value.source.txId) : '';
      // The others of its transaction are counted without it.
      if (/^value\.transaction\.\w+_order$/.test(path)) {
        return [...parked].some((place) => place.endsWith(` ${xid}`));
      }
      if (path !== '' || ours !== absent) return false;
      return parked.has(`${topic} ${xid}`) || parked.has(`${topic} ${stringifyLossless(pair.theirs?.key)}`);
    },
  },
];

/** 0001-01-01, counted from 1970. */
const daysOfYear1 = -719_162;

const isOfRead = ({ ours, theirs }: Difference['pair']): boolean =>
  [ours, theirs].every((record) => record === undefined || isReadRow(record));

function markerOf(record: Observed | undefined): unknown {
  return isObject(record?.value) && isObject(record.value.source) ? record.value.source.snapshot : undefined;
}
