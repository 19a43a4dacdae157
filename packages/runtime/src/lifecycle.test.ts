import { expect, test } from 'vitest';
import { startWhole } from './lifecycle.ts';

test('of what cannot be started wholly nothing is left, and why is told', async () => {
  const closed: string[] = [];
  const started = startWhole(async (lifecycle) => {
    lifecycle.onClose('first', () => void closed.push('first'));
    lifecycle.onClose('second', () => {
      closed.push('second');
      throw new Error('it does not close');
    });
    await Promise.reject(new Error('the third does not start'));
  });
  await expect(started).rejects.toThrow('the third does not start');
  expect(closed).toEqual(['second', 'first']);
});

test('what is started wholly stays until it is closed, the last one first', async () => {
  const closed: string[] = [];
  const { close } = await startWhole((lifecycle) => {
    lifecycle.onClose('first', () => void closed.push('first'));
    lifecycle.onClose('second', () => void closed.push('second'));
    return Promise.resolve({ close: () => lifecycle.close() });
  });
  expect(closed).toEqual([]);
  await close();
  expect(closed).toEqual(['second', 'first']);
});
