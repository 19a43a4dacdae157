import { once } from 'node:events';
import { expect, test } from 'vitest';
import { ticking } from './ticking.ts';

/** Two items, then silence until it is told to stop, as a topic where nothing happens. */
const silentAfterTwo = (onEnd: () => void = () => undefined) =>
  async function* (signal: AbortSignal) {
    try {
      yield 1;
      yield 2;
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      onEnd();
    }
  };

test('time goes on while nothing comes', async () => {
  const seen: (number | 'tick')[] = [];
  for await (const arrived of ticking(silentAfterTwo(), { intervalMs: 1 })) {
    seen.push(arrived.tag === 'item' ? arrived.item : 'tick');
    if (seen.filter((one) => one === 'tick').length === 3) break;
  }
  expect(seen.filter((one) => one !== 'tick')).toEqual([1, 2]);
});

test('a reader that stops ends a source that is silent', async () => {
  let ended = false;
  const open = silentAfterTwo(() => {
    ended = true;
  });
  for await (const arrived of ticking(open, { intervalMs: 1 })) if (arrived.tag === 'tick') break;
  expect(ended).toBe(true);
});

test('the signal ends it', async () => {
  const stop = new AbortController();
  for await (const arrived of ticking(silentAfterTwo(), { intervalMs: 1, signal: stop.signal })) {
    if (arrived.tag === 'tick') stop.abort();
  }
  expect(stop.signal.aborted).toBe(true);
});

test('a failure of the source reaches the reader', async () => {
  const failing = async function* (): AsyncGenerator<number, void, undefined> {
    yield 1;
    throw new Error('gone');
  };
  await expect(Array.fromAsync(ticking(failing, { intervalMs: 1000 }))).rejects.toThrow('gone');
});
