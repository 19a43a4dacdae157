/** Any domain event in one line. */
import { stringifyLossless } from '@diptych/runtime/json';
import type { DomainEvent } from './joined-transaction.ts';
import { isJsonObject } from './json-object.ts';

/** `OrderPlaced  order 7  amount=9.90 currency=EUR`: type, aggregate, and the payload's members. */
export function describeEvent({ type, aggregateType, key, payload }: DomainEvent): string {
  const about = key === null ? aggregateType : `${aggregateType} ${key}`;
  const members = isJsonObject(payload)
    ? Object.entries(payload).map(([name, value]) => `${name}=${describeValue(value)}`)
    : [describeValue(payload)];
  return [type, about, members.join(' ')].filter((part) => part !== '').join('  ');
}

/** Text as it is, everything else as JSON, shortened. */
export function describeValue(value: unknown): string {
  const text = typeof value === 'string' ? value : stringifyLossless(value);
  return text.length > valueLengthMax ? `${text.slice(0, valueLengthMax - 1)}…` : text;
}

/** A terminal line is about twice as long; documents and bodies would hide everything else. */
const valueLengthMax = 60;
