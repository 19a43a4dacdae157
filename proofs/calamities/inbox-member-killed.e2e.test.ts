/** Proves that members of a group that are killed at work lose no effect and have none twice. */
import { notes } from '@diptych/inbox/inbox-for-tests';
import { poll } from '@diptych/runtime/poll';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Readers } from './inbox-for-tests.ts';

let readers: Readers;
beforeEach(async () => {
  readers = await Readers.create({ partitions: 4 });
});
afterEach(() => readers.close());

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const eachTime = 40;
const kills = 2;

test('members that are killed again and again leave each effect once, in the order of its key', {
  timeout: 240_000,
}, async () => {
  let members = [readers.member('one', { holdMs: 2 }), readers.member('two', { holdMs: 2 })];
  const effects = async () => (await Promise.all(keys.map((key) => readers.effects(key)))).flat().length;
  for (let time = 0; time < kills; time += 1) {
    const before = await effects();
    await readers.topic.publish(keys.flatMap((key) => notes(key, 1 + time * eachTime, eachTime)));
    await poll(async () => ((await effects()) > before + 20 ? true : undefined), {
      what: 'somebody is at work',
      timeoutMs: 60_000,
      intervalMs: 10,
    });
    const [victim, survivor] = members;
    if (!victim || !survivor) throw new Error('there are two members');
    await readers.end(victim, 'SIGKILL');
    members = [survivor, readers.member(`next ${time}`, { holdMs: 2 })];
  }
  const all = Array.from({ length: kills * eachTime }, (_, index) => index + 1);
  await readers.untilEffects(keys, all);
  expect(await effects()).toBe(keys.length * all.length);
});
