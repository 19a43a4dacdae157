import { readEvent } from '@diptych/events/read-event';
import { addressContract } from './address-for-tests.ts';

/** Whatever version was written, this sees the newest. */
export function cityOf(written: { type: string; version: number; payload: unknown }): string {
  const read = readEvent(addressContract, written);
  if (!read.ok) return `park it: ${read.reason}`;
  return read.event.payload.city ?? 'unknown';
}
