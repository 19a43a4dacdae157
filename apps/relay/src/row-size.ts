import { OperatingError } from '@diptych/runtime/failure';
import type { TransactionChange } from '@diptych/transaction/transaction';

/**
 * A row, or a logical message, that is larger than the relay takes: no envelope is made of it, because that needs several times its memory.
 * Null when it is not. https://www.postgresql.org/docs/18/limits.html
 */
export function rowTooLarge(
  { message }: Pick<TransactionChange, 'message'>,
  { bytes, rowBytesMax }: { bytes: number; rowBytesMax: number },
): OperatingError | null {
  if (bytes <= rowBytesMax) return null;
  const where = 'relation' in message ? `${message.relation.schema}.${message.relation.table}` : 'a message';
  return new OperatingError(
    'row-too-large',
    `a row of ${where} takes ${bytes} bytes, limits.rowBytesMax is ${rowBytesMax}`,
    {
      remedy:
        'Raise limits.rowBytesMax, and give the relay four times as much memory, or set onPoison of its panel to park.',
    },
  );
}
