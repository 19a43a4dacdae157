/** Every way of saying no: one table maps a code to its status. */
import { refusing } from '@diptych/runtime/http-server';

export const kinds = {
  'shipment-not-found': { status: 404, title: 'No shipment of this cart' },
  'route-not-found': { status: 404, title: 'There is nothing here' },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'not-ready': { status: 503, title: 'The consumer does not ship now' },
  'database-away': { status: 503, title: 'The database is away; try again soon' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
} as const;

/** Answers with the problem's document. */
export const refuse = refusing(kinds);
