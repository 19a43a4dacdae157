import { expect, test } from 'vitest';
import { ParkedKeys } from './parked-keys.ts';
import { parkedId } from './parked-record.ts';

/** The same place in two histories: what a promoted server never had, and what it wrote there instead. */
const identities = [1, 2].map((timeline) => `${timeline}-00000016B374D848-757-3-0-1795246912669491`);

test('what was parked at one place of two timelines waits under two ids', () => {
  const keys = new ParkedKeys(10);
  for (const [place, identity] of identities.entries()) {
    const waiting = { id: parkedId(identity), offset: BigInt(place), pending: null };
    keys.add({ topic: 'carts', key: Buffer.from(`${place}`), ...waiting });
  }
  expect(keys.size).toBe(2);
});

test('an id names the timeline where it is not the first one', () => {
  expect(identities.map(parkedId)).toEqual(['00000016B374D848-3-0', '2-00000016B374D848-3-0']);
});
