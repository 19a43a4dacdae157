/** Every way of saying no, as RFC 9457 problem documents. One table maps a code to its status. */
import { type FailureCode, OperatingError } from '@diptych/runtime/failure';
import { isClientsFault, refusing } from '@diptych/runtime/http-server';
import type { Logger } from '@diptych/runtime/log';
import type { FastifyInstance, FastifyReply } from 'fastify';

const kinds = {
  'route-not-found': { status: 404, title: 'There is nothing here' },
  'transaction-not-kept': { status: 404, title: 'This transaction is not kept' },
  'aggregate-not-kept': { status: 404, title: 'Nothing of this aggregate is kept' },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'token-required': { status: 401, title: 'This console asks for its token' },
  'host-refused': { status: 421, title: 'The console does not go by this name' },
  'origin-refused': { status: 403, title: 'Only the console’s own page may ask for this' },
  'listeners-exhausted': { status: 503, title: 'Too many listen already' },
  'not-ready': { status: 503, title: 'The comparison has not begun' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
} as const satisfies Record<string, { status: number; title: string }>;

/** Operating errors that are not "try again soon" (503). */
const statuses: Partial<Record<FailureCode, number>> = {
  'parked-record-refused': 409,
  'parked-command-unanswered': 504,
  'commit-not-published': 504,
  'commit-token-malformed': 400,
};

/** Answers with the problem's document. */
export const refuse = refusing(kinds);

/** An operating error as a problem: its code and its remedy are for whoever looks at the console. */
function refuseFailure(reply: FastifyReply, { code, message, remedy }: OperatingError): FastifyReply {
  const status = statuses[code] ?? 503;
  return refusing({ [code]: { status, title: message } })(reply, { code, detail: `${message}. ${remedy}` });
}

/** What goes wrong is answered as a problem document, and logged unless the request is at fault. No stack, no row. */
export function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, _request, reply) => {
    if (isClientsFault(error)) return refuse(reply, { code: 'request-invalid', detail: error.message });
    if (error instanceof OperatingError) {
      log.warn({ code: error.code, reason: error.message }, 'a request failed');
      return refuseFailure(reply, error);
    }
    log.error({ reason: error instanceof Error ? error.message : String(error) }, 'a request failed');
    return refuse(reply, { code: 'internal-error' });
  });
}
