import type { IncomingRecord } from '@diptych/kafka/record';
import { OperatingError } from '@diptych/runtime/failure';
import { expect, test } from 'vitest';
import { readHeaders, readPayload } from './domain-event.ts';

const id = '0199c0de-0000-7000-8000-000000000001';

function record({
  headers = {},
  value = '{}',
}: {
  headers?: Record<string, string | undefined>;
  value?: string | null;
}): IncomingRecord {
  const all = { id, eventType: 'CartCheckedOut', eventVersion: '1', ...headers };
  const present = Object.entries(all).flatMap(([name, text]): [string, string][] =>
    text === undefined ? [] : [[name, text]],
  );
  return {
    topic: 'outbox.event.cart',
    partition: 3,
    offset: 42n,
    key: Buffer.from('101'),
    value: value === null ? null : Buffer.from(value),
    headers: new Map(present),
    timestampMs: 0,
  };
}

const code = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    if (error instanceof OperatingError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'read';
};

test('identity, type and version come from the headers', () => {
  expect(readHeaders(record({}))).toEqual({ id, type: 'CartCheckedOut', version: 1 });
});

test.each([
  { headers: { id: undefined }, why: 'it has no header id' },
  { headers: { id: '7' }, why: 'its header id is not a UUID' },
  { headers: { eventType: undefined }, why: 'it has no header eventType' },
  { headers: { eventType: '' }, why: 'its header eventType is not a name' },
  { headers: { eventVersion: undefined }, why: 'it has no header eventVersion' },
  { headers: { eventVersion: '0' }, why: 'its header eventVersion is not a number from 1' },
  { headers: { eventVersion: '1.0' }, why: 'its header eventVersion is not a number from 1' },
])('an event is refused with its place in the topic when $why', ({ headers, why }) => {
  expect(code(() => readHeaders(record({ headers })))).toBe(
    `event-malformed: the event at outbox.event.cart/3/42 cannot be read: ${why}`,
  );
});

test('the payload is read to the last digit', () => {
  expect(readPayload(record({ value: '{"n": 9007199254740993}' }))).toEqual({ n: 9007199254740993n });
});

test('a payload that is missing or not JSON is refused, without a word of it', () => {
  expect(code(() => readPayload(record({ value: null })))).toMatch(/^event-malformed: .*no payload$/);
  expect(code(() => readPayload(record({ value: '{"card": 4111' })))).toMatch(
    /^event-malformed: .*is not JSON$/,
  );
});
