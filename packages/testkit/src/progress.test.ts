import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sayTo, showing } from './progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function taking(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'result'));
}

test('work of less than two seconds is not talked about', async () => {
  const said: string[] = [];
  const work = showing({ say: (line) => said.push(line), what: 'waiting' }, () => taking(1_900));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await work).toBe('result');
  expect(said).toEqual([]);
});

test('longer work is announced, counted with moving lines, and ended with its time', async () => {
  const said: [string, string | undefined][] = [];
  const shown = {
    say: (line: string, kind?: 'moving') => said.push([line, kind]),
    what: 'fetching',
    count: () => '1 MB',
  };
  const work = showing(shown, () => taking(2_600));
  await vi.advanceTimersByTimeAsync(3_000);
  await work;
  expect(said).toEqual([
    ['fetching …', undefined],
    ['fetching: 1 MB', 'moving'],
    ['fetching: 1 MB', 'moving'],
    ['fetching: done in 2.6 s', undefined],
  ]);
});

test('elsewhere than on a terminal only whole lines are written', () => {
  let written = '';
  const say = sayTo({ write: (text) => (written += text) });
  say('fetching …');
  say('fetching: 1 MB', 'moving');
  say('done');
  expect(written).toBe('fetching …\ndone\n');
});

test('on a terminal a moving line is overwritten by the next line', () => {
  let written = '';
  const say = sayTo({ isTTY: true, write: (text) => (written += text) });
  say('1 MB', 'moving');
  say('done');
  expect(written).toBe('\r\u001b[2K1 MB\r\u001b[2Kdone\n');
});
