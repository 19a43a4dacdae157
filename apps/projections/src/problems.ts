/** Every way of saying no: one table maps a code to its status. */
import { refusing } from '@diptych/runtime/http-server';

export const kinds = {
  'cart-not-found': { status: 404, title: 'No event of this cart has come' },
  'projection-not-found': { status: 404, title: 'No projection is called so' },
  'rebuild-not-found': { status: 404, title: 'Nothing is rebuilt' },
  'rebuild-under-way': { status: 409, title: 'It is being rebuilt already' },
  'route-not-found': { status: 404, title: 'There is nothing here' },
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'not-ready': { status: 503, title: 'The projections do not follow now' },
  'database-away': { status: 503, title: 'The database is away; try again soon' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
} as const;

/** Answers with the problem's document. */
export const refuse = refusing(kinds);
