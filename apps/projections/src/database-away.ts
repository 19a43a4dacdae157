import { isOutage } from '@diptych/inbox/database-gate';
import pg from 'pg';

/** 42P01: the database came up, and the tables have yet to be created. 55P03, 57014: it was too busy. */
const passingStates: readonly string[] = ['42P01', '3D000', '55P03', '57014'];

/** Whether the error says that the database is away or overburdened, so that trying again later may help. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (error instanceof pg.DatabaseError && passingStates.includes(error.code ?? '')) return true;
  // Only a call to the operating system has the property: the network.
  return isOutage(error) || (error instanceof Error && 'syscall' in error);
}
