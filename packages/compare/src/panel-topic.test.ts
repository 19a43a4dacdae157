import { expect, test } from 'vitest';
import { classifyTopic } from './panel-topic.ts';

test('topics belong to a panel by their names', () => {
  const tags = (topic: string): string => classifyTopic(topic, { prefix: 'shop.eu' }).tag;
  expect(classifyTopic('outbox.event.es-cart', { prefix: 'shop.eu' })).toEqual({
    tag: 'domain',
    aggregateType: 'es-cart',
  });
  expect(tags('shop.eu.transaction')).toBe('transaction');
  expect(tags('shop.eu.public.carts')).toBe('change');
  expect(tags('shop.eu.public.carts.with.dots')).toBe('change');
  for (const topic of ['parked', 'message', 'heartbeat', 'checkpoint.diptych'])
    expect(tags(`shop.eu.${topic}`)).toBe('other');
  expect(tags('shop.us.public.carts')).toBe('other');
  expect(tags('__transaction_state')).toBe('other');
});

test('relays that share a Kafka are told apart by their prefixes', () => {
  const names = { prefix: 'shop', domainPrefix: 'shop.outbox.event.' };
  expect(classifyTopic('shop.outbox.event.cart', names)).toEqual({ tag: 'domain', aggregateType: 'cart' });
  expect(classifyTopic('outbox.event.cart', names).tag).toBe('other');
});
