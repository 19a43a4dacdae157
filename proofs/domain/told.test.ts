import { createHash } from 'node:crypto';
import { formatIdentity } from '@diptych/kafka/identity';
import { lsn, xid } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { Referee } from '../referee.ts';
import { owedBy, read, type Source, type ToldEvent } from './told.ts';

const payload = '{"cartId": 101}';
const md5 = createHash('md5').update(payload).digest('hex');

const opened: ToldEvent = {
  ...{ xid: '7', id: 'a', aggregatetype: 'cart', aggregateid: '101', version: '1' },
  ...{ type: 'CartOpened', typeversion: 1, md5 },
};
const told = [opened, { ...opened, id: 'b', version: '2', type: 'ItemAdded' }];

const identity = (ordinal: number) =>
  formatIdentity({
    ...{ timeline: 1, commitLsn: lsn(100n), xid: xid(7), ordinal, part: 0, commitTimeUs: 1n },
  });

const record = ({ id, type, version }: ToldEvent, ordinal: number, value = payload) => ({
  ...{ source: 'cart' as Source, partition: 0, offset: ordinal, key: '101', value },
  headers: `id:${id},eventType:${type},eventVersion:1,aggregateVersion:${version},diptych-tx:${identity(ordinal)}`,
});
const records = told.map((event, index) => record(event, index + 1));
const end = {
  ...{ source: 'end' as Source, partition: 0, offset: 0, key: '{}', value: '{"domain_event_count":2}' },
  headers: `diptych-tx:${identity(3)}`,
};

function judge(given: readonly (typeof end)[]) {
  const referee = new Referee<Source>({ owed: owedBy(told), mode: 'exactly-once', read });
  for (const { source, ...printed } of given) referee.take(source, printed);
  const { committed, received, lost, repeated, outOfOrder, phantom } = referee.findings();
  return { committed, received, lost, repeated, outOfOrder, phantom };
}

const clean = { committed: 1, received: 1, lost: 0, repeated: 0, outOfOrder: 0, phantom: 0 };

test('a topic that holds each event of the outbox once, in order, is without a finding', () => {
  expect(judge([...records, end])).toEqual(clean);
});

test('an event that is missing, comes twice, too early or with another value is found', () => {
  const [first, second] = records;
  if (!first || !second) throw new Error('two records');
  expect(judge([first, end])).toEqual({ ...clean, received: 0, lost: 1 });
  expect(judge([first, second, second, end])).toEqual({ ...clean, repeated: 1 });
  expect(judge([second, first, end])).toEqual({ ...clean, outOfOrder: 1 });
  const altered = record(opened, 1, '{"cartId": 102}');
  expect(judge([altered, second, end])).toEqual({ ...clean, received: 0, lost: 1, phantom: 1 });
  expect(judge([first, second, { ...end, value: '{"domain_event_count":1}' }])).toMatchObject({
    lost: 1,
    phantom: 1,
  });
});
