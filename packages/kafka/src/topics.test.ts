import { expect, test } from 'vitest';
import { changeTopicName, domainTopicName, topicSpecs } from './topics.ts';

test('topics are named as docs/wire.md says', () => {
  expect(domainTopicName('cart')).toBe('outbox.event.cart');
  expect(changeTopicName({ prefix: 'diptych', schema: 'public', table: 'cart_items' })).toBe(
    'diptych.public.cart_items',
  );
});

test('what Kafka does not allow in a name becomes an underscore', () => {
  expect(changeTopicName({ prefix: 'diptych', schema: 'My Shop', table: 'größe$' })).toBe(
    'diptych.My_Shop.gr__e_',
  );
});

test('a relay has its own topics with one partition each, and event topics with six, kept for ever', () => {
  const kept = { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
  expect(topicSpecs({ prefix: 'diptych', slot: 'shop', eventTopics: ['outbox.event.cart'] })).toEqual([
    { name: 'diptych.transaction', partitions: 1, config: kept },
    { name: 'diptych.parked', partitions: 1, config: kept },
    { name: 'diptych.snapshot', partitions: 1, config: kept },
    { name: 'diptych.checkpoint.shop', partitions: 1, config: { 'cleanup.policy': 'compact' } },
    { name: 'outbox.event.cart', partitions: 6, config: kept },
  ]);
});
