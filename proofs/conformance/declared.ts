/**
 * The differences that we mean: each a predicate with its reason. Whatever no predicate takes is a failure.
 * What only a case can say – that the reference loses, invents or hides something – stands in that case (`reference fails`).
 */
import { absent, type Difference, show } from './compare.ts';
import { bothModes, type Declared, type Place } from './declaration.ts';
import { declaredReads } from './declared-reads.ts';
import { declaredValues } from './declared-values.ts';
import { isObject } from './observed.ts';

const declaredRecords: readonly Declared[] = [
  {
    name: 'before-holds-what-was-sent',
    reason:
      'With the default identity the server sends the key alone. We give that; the reference fills `before` up with ' +
      'nulls, zeros and epochs that never stood in the row.',
    modes: bothModes,
    holds: ({ path, ours, pair }) => {
      const column = /^value\.before\.(.+)$/.exec(path)?.[1];
      return column !== undefined && ours === absent && isKeyAlone(pair.ours?.value, pair.ours?.key);
    },
  },
  {
    name: 'unchanged-is-named',
    reason:
      'A TOASTed value that was not sent is left out and named in `unchanged`; the reference puts a placeholder ' +
      'where a reader takes it for the value.',
    modes: ['exact'],
    holds: ({ path, ours, theirs, pair }, _type, { column }) => {
      const unchanged = unchangedOf(pair.ours?.value);
      if (path === 'value.unchanged') return theirs === absent && unchanged.length > 0;
      if (path === 'schemas.value.fields.unchanged') return theirs === absent;
      return (
        path.startsWith('value.after.') &&
        ours === absent &&
        theirs !== absent &&
        unchanged.includes(column?.name)
      );
    },
  },
  {
    name: 'no-begin',
    reason: 'END says all that BEGIN says; BEGIN comes by configuration and in compat.',
    modes: ['exact'],
    holds: ({ topic, path, ours, pair }) =>
      topic === 'transaction' &&
      path === '' &&
      ours === absent &&
      isObject(pair.theirs?.value) &&
      pair.theirs.value.status === 'BEGIN',
  },
  {
    name: 'no-metadata-without-events',
    reason:
      'A transaction of which nothing is published has neither BEGIN nor END; the reference counts none and says so, ' +
      'for instance of a skipped TRUNCATE, or of a message whose prefix is excluded.',
    modes: bothModes,
    holds: ({ topic, path, ours, pair }) =>
      topic === 'transaction' &&
      path === '' &&
      ours === absent &&
      isObject(pair.theirs?.value) &&
      (pair.theirs.value.status === 'BEGIN' || pair.theirs.value.event_count === 0),
  },
  {
    name: 'messages-are-one-collection',
    reason:
      'The reference counts each logical message as a collection of its own, named by the address of a Java object.',
    modes: bothModes,
    holds: ({ topic, path, theirs }) =>
      (topic === 'message' && path === 'value.transaction.data_collection_order') ||
      (topic === 'transaction' &&
        path.startsWith('value.data_collections') &&
        show(theirs).includes('LogicalDecodingMessageId@')),
  },
  {
    name: 'message-outside-a-transaction',
    reason:
      'Such a message has no commit, so no commit time and no place in the order of commits: the reference takes those of ' +
      'the transaction before it, we take the time of reading.',
    modes: bothModes,
    holds: ({ topic, path, pair }) =>
      topic === 'message' &&
      /^value\.source\.(ts_ms|ts_us|ts_ns|sequence)$/.test(path) &&
      isObject(pair.ours?.value) &&
      isObject(pair.ours.value.source) &&
      pair.ours.value.source.txId === null,
  },
  {
    name: 'no-tombstone-without-key',
    reason:
      'A tombstone is for compaction by key: with a null key it means nothing, and a compacted topic refuses it.',
    modes: bothModes,
    holds: ({ path, ours, pair }) =>
      path === '' && ours === absent && pair.theirs?.value === null && pair.theirs.key === null,
  },
  {
    name: 'keys-as-of-their-change',
    reason:
      'The key is that of the replica identity at the moment of the change, which the database judges. The reference asks the ' +
      'catalogue of now for the primary key, so a key that came or went meanwhile is another one to it, and null where it was not sent.',
    modes: bothModes,
    holds: ({ topic, path, ours, theirs, pair }, _type, { rekeyed }) => {
      if (!rekeyed.has(topic)) return false;
      if (path === '')
        return (pair.ours ?? pair.theirs)?.value === null && (ours === absent || theirs === absent);
      return /^(key\b|value\.before\b|headers\.__debezium\.(new|old)key\b)/.test(path);
    },
  },
  {
    name: 'keys-are-whole',
    reason:
      'A key has all of its columns. The reference leaves one out whose type it does not know: different rows have the same ' +
      'key then, and a row that moves to another key is updated to it.',
    modes: bothModes,
    holds: ({ topic, path, pair }, _type, { curtailed }) => {
      const value = pair.ours?.value ?? pair.theirs?.value;
      if (topic === 'transaction' && isObject(value)) {
        return /^value\.(event_count|data_collections)\b/.test(path) && curtailed.has(String(value.id));
      }
      const xid = isObject(value) && isObject(value.source) ? String(value.source.txId) : '';
      if (/^value\.transaction\.\w+_order$/.test(path)) return curtailed.has(xid);
      return (
        curtailed.has(topic) &&
        (path === '' || /^(key\b|value\.before\b|headers\.__debezium\.(new|old)key\b)/.test(path))
      );
    },
  },
  {
    name: 'end-counts-domain-events',
    reason: 'END covers both panels; readers of Debezium’s END ignore fields that they do not know.',
    modes: bothModes,
    holds: ({ topic, path, theirs }) =>
      topic === 'transaction' &&
      theirs === absent &&
      /^(schemas\.value\.fields|value)\.(domain_event_count|domain_events|parked_count)$/.test(path),
  },
  {
    name: 'sequence-begins-anew',
    reason:
      'The first element of `sequence` is the last commit that a session saw. Ours knows none until it has seen one; the ' +
      'reference keeps it over a restart. Positions and their order are the same.',
    modes: bothModes,
    holds: ({ path, ours, theirs }) =>
      path === 'value.source.sequence' &&
      /^\[null,/.test(String(ours)) &&
      String(theirs).endsWith(String(ours).slice('[null'.length)),
  },
  {
    name: 'messages-are-no-commits',
    reason:
      'The first element of `sequence` is the position of the last commit. The reference takes that of a logical message ' +
      'outside of transactions for one.',
    modes: bothModes,
    holds: ({ path, ours, theirs }, _type, { messages }) => {
      if (path !== 'value.source.sequence') return false;
      const [, theirCommit = '', theirRest] = /^\["(\d+)",(.*)$/.exec(String(theirs)) ?? [];
      return messages.has(theirCommit) && String(ours).endsWith(`,${theirRest}`);
    },
  },
  {
    name: 'columns-are-optional',
    reason:
      'In an inline schema only the columns of the key are required: a row before may hold nothing else. The reference ' +
      'requires every NOT NULL column, and invents values for those that were not sent.',
    modes: bothModes,
    holds: ({ path, ours, theirs }) =>
      /^schemas\.value\..*\.optional$/.test(path) && ours === true && theirs === false,
  },
  {
    name: 'defaults-are-not-told',
    reason:
      'An inline schema has no defaults: the stream does not say them, and a reader would take them for nulls that there were.',
    modes: bothModes,
    holds: ({ path, ours }) => /^schemas\..*\.default$/.test(path) && ours === absent,
  },
  {
    name: 'domain-event-headers',
    reason:
      'The type and the versions of event and aggregate go with each domain event; the router’s own headers are all there.',
    modes: bothModes,
    holds: ({ topic, path, theirs }) =>
      topic.startsWith('outbox.event.') &&
      theirs === absent &&
      /^headers\.(eventType|eventVersion|aggregateVersion|traceparent)$/.test(path),
  },
];

export const declared: readonly Declared[] = [...declaredRecords, ...declaredReads, ...declaredValues];

/** The name of the declaration that takes a difference; undefined when it is undeclared. */
export function declarationOf(difference: Difference, place: Place): string | undefined {
  const { mode, column } = place;
  const type = column?.type;
  return declared.find(({ modes, holds }) => modes.includes(mode) && holds(difference, type, place))?.name;
}

function isKeyAlone(value: unknown, key: unknown): boolean {
  if (!isObject(value) || !isObject(value.before) || !isObject(key)) return false;
  return Object.keys(value.before).every((column) => Object.hasOwn(key, column));
}

function unchangedOf(value: unknown): readonly unknown[] {
  return isObject(value) && Array.isArray(value.unchanged) ? value.unchanged : [];
}
