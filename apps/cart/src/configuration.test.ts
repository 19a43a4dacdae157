import { expect, test } from 'vitest';
import { readConfiguration } from './configuration.ts';

const DATABASE_URL = 'postgres://shop:secret@db:5432/shop';

test('host and port have defaults, the database has none', () => {
  expect(readConfiguration({ DATABASE_URL })).toEqual({
    databaseUrl: DATABASE_URL,
    host: '127.0.0.1',
    port: 8080,
  });
  expect(readConfiguration({ DATABASE_URL, HOST: '::', PORT: '0' })).toMatchObject({ host: '::', port: 0 });
});

test.each([
  [{}, 'DATABASE_URL'],
  [{ DATABASE_URL: 'mysql://secret@db/shop' }, 'DATABASE_URL'],
  [{ DATABASE_URL, PORT: '65536' }, 'PORT'],
  [{ DATABASE_URL, PORT: 'http' }, 'PORT'],
  [{ DATABASE_URL, HOST: '' }, 'HOST'],
])('what is wrong is named and its value is not told (%#)', (environment, variable) => {
  expect(() => readConfiguration(environment)).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', message: expect.stringContaining(variable) }),
  );
  expect(() => readConfiguration(environment)).not.toThrow(/secret/);
});
