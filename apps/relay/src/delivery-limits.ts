import type { Limits } from '@diptych/delivery/protocol';
import type { Configuration } from './configuration.ts';

/** A batch is cut where two pieces meet: it misses its size by this share at most. */
const pieceShare = 1 / 64;

/** What the state machine is bound by. */
export function deliveryLimits({ delivery, limits, timing }: Configuration): Limits {
  return { ...limits, ...timing, delivery, pieceBytesMax: limits.batchBytesMax * pieceShare };
}
