import { expect, test } from 'vitest';
import { knownTopics } from './known-topics.ts';

test('a broker that learns of a topic seconds after another one has shown it is waited for', async () => {
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return new Map(asked < 8 ? [] : [['carts', { name: 'carts', id: 'id', leaders: [0] }]]);
  };
  expect([...(await knownTopics(ask, ['carts'])).keys()]).toEqual(['carts']);
  expect(asked).toBe(8);
});

test('waiting for a topic ends when reading is to end', async () => {
  const reason = new Error('enough');
  const waiting = knownTopics(async () => new Map(), ['carts'], AbortSignal.abort(reason));
  await expect(waiting).rejects.toMatchObject({ cause: reason });
});
