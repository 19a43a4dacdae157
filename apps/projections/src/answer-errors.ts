import { isOutage } from '@diptych/inbox/database-gate';
import type { Logger } from '@diptych/runtime/log';
import type { FastifyInstance } from 'fastify';
import pg from 'pg';
import { refuse } from './problems.ts';

/** What goes wrong is answered as a problem document, and logged unless the request is at fault. */
export function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((_request, reply) => refuse(reply, { code: 'route-not-found' }));
  app.setErrorHandler((error, _request, reply) => {
    if (isRefusal(error)) return refuse(reply, { code: 'request-invalid', detail: error.message });
    const away = isAway(error);
    // The server's `detail` may quote a row, so that only the message is logged.
    const reason = error instanceof Error ? error.message : String(error);
    log[away ? 'warn' : 'error']({ reason }, 'a request failed');
    return refuse(reply, { code: away ? 'database-away' : 'internal-error' });
  });
}

/** Whether Fastify says that the request is at fault. */
function isRefusal(error: unknown): error is Error {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number')
    return false;
  return error.statusCode >= 400 && error.statusCode < 500;
}

/** 42P01: the database came up, and the tables have yet to be created. 55P03, 57014: it was too busy. */
const passingStates: readonly string[] = ['42P01', '3D000', '55P03', '57014'];

function isAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isAway);
  if (error instanceof pg.DatabaseError && passingStates.includes(error.code ?? '')) return true;
  // Only a call to the operating system has the property: the network.
  return isOutage(error) || (error instanceof Error && 'syscall' in error);
}
