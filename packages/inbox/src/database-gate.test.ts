import { expect, test } from 'vitest';
import { databaseAway } from './database-gate.ts';
import { ConnectionLostError } from './transaction.ts';

const tried = { what: 'the inbox waits for its database', remedy: 'It goes on by itself.' };
const failed = (code: string, message: string) =>
  new ConnectionLostError(`no connection to Postgres: ${message}`, {
    cause: Object.assign(new Error(message), { code }),
  });

test.each([
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'not of an authority that is trusted', 'database.tls.caFile'],
  ['CERT_HAS_EXPIRED', 'has expired', 'database.tls.caFile'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'is for another host name', 'database.tls.mode'],
])(
  'a certificate of the database that is refused is said so, with its setting: %s',
  (code, said, setting) => {
    const error = databaseAway(failed(code, 'refused'), tried);
    expect(error).toMatchObject({ code: 'inbox-database-away', retry: 'timed' });
    expect(error.message).toContain(said);
    expect(error.remedy).toContain(setting);
  },
);

test('a database that does not answer is waited for, in the words of who waits', () => {
  const error = databaseAway(failed('ECONNREFUSED', 'connect ECONNREFUSED'), tried);
  expect(error.message).toBe(`${tried.what}: no connection to Postgres: connect ECONNREFUSED`);
  expect(error.remedy).toBe(tried.remedy);
});
