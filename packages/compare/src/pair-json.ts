/** A transaction as one line of JSON, for scripts: what `diptych tail --json` prints. */
import { stringifyLossless } from '@diptych/runtime/json';
import type { JoinedTransaction } from './joined-transaction.ts';
import { referenceTo } from './transaction-reference.ts';

/** Values as they are in Kafka, numbers with all their digits. Without a line break at its end. */
export function pairJson({
  identity,
  writer,
  domainEvents,
  changes,
  parkedCount,
  omitted,
}: JoinedTransaction): string {
  return stringifyLossless({
    ...referenceTo(identity),
    ...{ writer, parkedCount, omitted },
    domainEvents: domainEvents.map((event) => ({ ...event, headers: Object.fromEntries(event.headers) })),
    changes,
  });
}
