/** Proves that a member which is frozen, loses its partition and wakes again has no effect besides its successor's. */
import { notes, untilTrue } from '@diptych/inbox/inbox-for-tests';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Readers } from './inbox-for-tests.ts';

let readers: Readers;
beforeEach(async () => {
  readers = await Readers.create({ partitions: 1 });
});
afterEach(() => readers.close());

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

test('frozen in the middle of a transaction, it holds nobody up for long, and its effect is not there', {
  timeout: 120_000,
}, async () => {
  const zombie = readers.member('zombie', { holdMs: 200 });
  await readers.topic.publish(notes('a', 1, 30));
  await untilTrue('the first effects are there', async () => (await readers.effects('a')).length > 2);
  await untilTrue('it is in the middle', () => readers.isIdleInTransaction('zombie'));
  zombie.kill('SIGSTOP');
  const frozenAt = await readers.epoch();
  const successor = readers.member('successor');
  await readers.untilEffects(['a'], range(30));
  expect(await readers.epoch()).toBe(frozenAt + 1n);

  zombie.kill('SIGCONT');
  await readers.topic.publish(notes('a', 31, 10));
  await readers.untilEffects(['a'], range(40));
  // It is a member again like any other: without the successor it goes on.
  await readers.end(successor, 'SIGTERM');
  await readers.topic.publish(notes('a', 41, 3));
  await readers.untilEffects(['a'], range(43));
});

test('frozen between transactions with records in hand, it cannot handle them when it wakes', {
  timeout: 120_000,
}, async () => {
  const zombie = readers.member('zombie', { holdMs: 20 });
  await readers.topic.publish(notes('a', 1, 500));
  await untilTrue('the first effects are there', async () => (await readers.effects('a')).length > 2);
  zombie.kill('SIGSTOP');
  readers.member('successor');
  await readers.untilEffects(['a'], range(500));
  zombie.kill('SIGCONT');
  await readers.topic.publish(notes('a', 501, 100));
  await readers.untilEffects(['a'], range(600));
  expect(await readers.effects('a')).toEqual(range(600));
});
