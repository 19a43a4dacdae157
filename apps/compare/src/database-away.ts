/** What may be wrong with the engine's own database. */
import { OperatingError } from '@diptych/runtime/failure';
import { DatabaseError } from 'pg';

/** The failure of a question to the engine's own database. */
export function databaseAway(cause: unknown): OperatingError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OperatingError('comparison-database-away', `the engine’s own database does not answer: ${why}`, {
    remedy: 'Nothing is lost: start the engine again when the database answers, and it goes on where it was.',
    cause,
  });
}

/** Whether the tables are not there: the first engine has yet to make them. https://www.postgresql.org/docs/18/errcodes-appendix.html */
export function isWithoutTables(cause: unknown): boolean {
  return cause instanceof DatabaseError && cause.code === '42P01';
}
