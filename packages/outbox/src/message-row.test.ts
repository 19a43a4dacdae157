/** An event that came as a logical message is routed as its row would be. */
import type { LogicalMessage } from '@diptych/pgoutput/message';
import { lsn, lsnZero, xid } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { messageRow, outboxNameOf } from './message-row.ts';
import { OutboxRouter } from './route.ts';
import { defaultRouting, parsePlacements } from './router-options.ts';

const head = {
  id: '59a42efd-b015-44a9-9dde-cb36d9002425',
  aggregatetype: 'cart',
  aggregateid: '101',
  aggregateversion: '9007199254740993',
  type: 'ItemAdded',
  typeversion: 2,
  headers: { traceparent: '00-a-b-01', actor: 'ann' },
  occurredAt: '2026-11-21T14:09:20.120000+00:00',
};
const payload = '{"sku": "banana",\n "price": "1.00"}';

const message = (content: string | Buffer, prefix = 'diptych.outbox:sold'): LogicalMessage => ({
  ...{ tag: 'message', transactional: true, lsn: lsnZero, prefix },
  content: Buffer.from(content),
});
const change = (content: string) => ({
  ...{ tag: 'change' as const, ordinal: 1, lsn: lsn(1n), message: message(content) },
  transaction: {
    ...{ xid: xid(757), commitLsn: lsn(1000n), commitTimeUs: 0n, previousCommitEndLsn: null, origin: null },
  },
});
const options = {
  ...defaultRouting(),
  placements: parsePlacements('occurred_at:header,headers:header:all'),
};
const router = new OutboxRouter({ topics: { of: (_source, topic) => topic }, options });

test('it has the row’s topic, key, headers and value; the payload may have lines of its own', () => {
  const { record, eventType } = router.route(change(`${JSON.stringify(head)}\n${payload}`)) ?? {};
  expect(eventType).toBe('ItemAdded');
  expect(record).toEqual({
    topic: 'outbox.event.cart',
    key: Buffer.from('101'),
    value: Buffer.from(payload),
    headers: [
      ['id', head.id],
      ['eventType', 'ItemAdded'],
      ['eventVersion', '2'],
      ['aggregateVersion', '9007199254740993'],
      ['traceparent', '00-a-b-01'],
      ['occurred_at', '2026-11-21 14:09:20.12+00'],
      ['all', '{"traceparent": "00-a-b-01", "actor": "ann"}'],
    ],
    part: 0,
  });
});

test.each([
  ['2026-11-21T15:09:20+01:00', '2026-11-21 14:09:20+00'],
  ['2026-11-21T14:09:20.5Z', '2026-11-21 14:09:20.5+00'],
  ['soon', 'soon'],
])('the time %s reads %s, as the server writes it in UTC', (occurredAt, text) => {
  const row = messageRow(message(`${JSON.stringify({ ...head, occurredAt })}\n{}`));
  expect(row?.text(8)).toBe(text);
});

test.each(['', 'no line', '[]\n{}', '{"half":\n{}'])(
  'content %j is malformed, and tells nothing',
  (content) => {
    expect(() => router.route(change(content))).toThrow(
      expect.objectContaining({ code: 'outbox-row-malformed' }),
    );
    expect(router.salvage(change(content))).toEqual({ topic: null, key: null, value: null, headers: [] });
  },
);

test('a head without an aggregate is malformed, and tells the rest', () => {
  const { aggregateid: _, ...rest } = head;
  const headless = change(`${JSON.stringify(rest)}\n{}`);
  expect(() => router.route(headless)).toThrow('column aggregateid is null');
  expect(router.salvage(headless)).toMatchObject({
    topic: 'outbox.event.cart',
    key: null,
    value: Buffer.from('{}'),
  });
});

test('messages of others, and those outside transactions, belong to no outbox', () => {
  expect(outboxNameOf(message('', 'diptych.outbox:'))).toBe('');
  expect(outboxNameOf(message('', 'diptych.outbox'))).toBeNull();
  expect(outboxNameOf(message('', 'other'))).toBeNull();
  expect(outboxNameOf({ ...message(''), transactional: false })).toBeNull();
});
