import type { Identity } from '@diptych/kafka/identity';

/**
 * A record that exactly-once delivery does not allow.
 * `repeated` – its dedupe key was there before; `misplaced` – it stands behind a later one of its partition;
 * `surplus` – its transaction was whole, or given up, without it.
 */
export interface Irregularity {
  readonly what: 'repeated' | 'misplaced' | 'surplus';
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly identity: Identity;
}
