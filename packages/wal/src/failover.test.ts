import { expect, test } from 'vitest';
import { type FailoverObservation, failoverGaps } from './failover.ts';

const standby = { name: 'b', active: true, hasXmin: true, hasCatalogXmin: true };
const whole: FailoverObservation = {
  version: 180_000,
  slotFailover: true,
  namedSlots: ['b'],
  physicalSlots: [standby],
  standbysWithoutSlot: [],
};
const missing = (change: Partial<FailoverObservation>): string[] =>
  failoverGaps({ ...whole, ...change }).map(({ on, setting }) => `${on} ${setting}`);

test('a primary with a standby on which all is set lacks nothing, nor does one without a standby', () => {
  expect(missing({})).toEqual([]);
  expect(missing({ slotFailover: false, namedSlots: [], physicalSlots: [] })).toEqual([]);
  expect(missing({ version: 160_000, slotFailover: false, namedSlots: [], physicalSlots: [] })).toEqual([]);
});

test.each<[Partial<FailoverObservation>, string[]]>([
  [{ version: 160_000, namedSlots: [] }, ['primary server_version']],
  [{ slotFailover: false }, ['slot failover']],
  [{ namedSlots: [] }, ['primary synchronized_standby_slots']],
  [{ namedSlots: ['b', 'gone'] }, ['primary synchronized_standby_slots']],
  [{ physicalSlots: [{ ...standby, active: false }] }, ['primary synchronized_standby_slots']],
  [{ physicalSlots: [{ ...standby, hasXmin: false }] }, ['standby hot_standby_feedback']],
  [{ physicalSlots: [{ ...standby, hasCatalogXmin: false }] }, ['standby sync_replication_slots']],
  [{ standbysWithoutSlot: ['c'] }, ['standby primary_slot_name']],
])('each setting that is missing is named: %j', (change, expected) => {
  expect(missing(change)).toEqual(expected);
});

test('a standby that is not there to be promoted is not asked for its settings', () => {
  const replica = { name: 'replica', active: true, hasXmin: false, hasCatalogXmin: false };
  expect(missing({ physicalSlots: [standby, replica] })).toEqual([]);
});
