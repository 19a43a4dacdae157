import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { SecuredBrokers } from './kafka-access.ts';
import {
  brokers,
  brokersFrom,
  databaseUrlFrom,
  host,
  port,
  postgresUrl,
  readEnvironment,
} from './service-environment.ts';

const directory = mkdtempSync(join(tmpdir(), 'diptych-access-'));
afterAll(() => rmSync(directory, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};
const caFile = file('ca.pem', 'ca');
const keyFile = file('key.pem', 'key');
const passwordFile = file('password', 'from a file\n');

test('a service is told what is wrong by the name of its variable, never by its value', () => {
  const schema = z.object({
    SHOP_URL: postgresUrl({ database: 'shop' }),
    KAFKA_BROKERS: brokers,
    HOST: host,
    PORT: port(80),
  });
  const whole = { SHOP_URL: 'postgres://u:secret@db/shop', KAFKA_BROKERS: 'a:1, b:2' };
  const read = (environment: NodeJS.ProcessEnv) =>
    readEnvironment(schema, { environment, remedy: 'Set them.' });
  expect(read(whole)).toMatchObject({ KAFKA_BROKERS: ['a:1', 'b:2'], HOST: '127.0.0.1', PORT: 80 });
  for (const wrong of [
    { SHOP_URL: 'mysql://u:secret@db/shop' },
    { KAFKA_BROKERS: 'a:1,secret' },
    { KAFKA_BROKERS: ' , ' },
    { PORT: '65536' },
    { HOST: '' },
  ]) {
    expect(() => read({ ...whole, ...wrong })).toThrow(Object.keys(wrong)[0]);
    expect(() => read({ ...whole, ...wrong })).not.toThrow('secret');
  }
});

const url = 'postgres://relay@a:5432,b:5432/shop?application_name=x';
const databaseUrl = (environment: NodeJS.ProcessEnv, of = url) =>
  databaseUrlFrom(environment, { name: 'SHOP', url: of });

test('password and certificates join the URL of a database, of several servers too', () => {
  expect(databaseUrl({})).toBe(url);
  const whole = databaseUrl({
    SHOP_PASSWORD_FILE: passwordFile,
    SHOP_TLS_MODE: 'verify-full',
    SHOP_TLS_CA_FILE: caFile,
    SHOP_TLS_CERT_FILE: caFile,
    SHOP_TLS_KEY_FILE: keyFile,
  });
  const query = {
    application_name: 'x',
    sslmode: 'verify-full',
    sslrootcert: caFile,
    sslcert: caFile,
    sslkey: keyFile,
  };
  expect(whole).toBe(
    `postgres://relay:from%20a%20file@a:5432,b:5432/shop?${new URLSearchParams(query).toString()}`,
  );
});

test('any password comes through the URL as it is', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'binary' }), (password) => {
      const whole = databaseUrl({ SHOP_PASSWORD: password }, 'postgres://relay@db:5432/shop');
      expect(decodeURIComponent(new URL(whole).password)).toBe(password);
      expect(new URL(whole).host).toBe('db:5432');
    }),
    { numRuns: 30 },
  );
});

test.each<[NodeJS.ProcessEnv, string]>([
  [{ SHOP_TLS_CA_FILE: caFile }, 'SHOP_TLS_MODE has to be verify-full or verify-ca'],
  [{ SHOP_TLS_MODE: 'verify-full', SHOP_TLS_CERT_FILE: caFile }, 'SHOP_TLS_KEY_FILE belongs to certFile'],
  [{ SHOP_TLS_MODE: 'verify-full', SHOP_TLS_CA_FILE: '/nowhere/ca' }, 'cannot read /nowhere/ca: ENOENT'],
  [{ SHOP_TLS_MODE: 'require' }, 'SHOP_TLS_MODE'],
  [{ SHOP_PASSWORD: 'secret', SHOP_PASSWORD_FILE: passwordFile }, 'SHOP_PASSWORD_FILE and password'],
  [{ SHOP_PASSWORD_FILE: '/nowhere/password' }, 'SHOP_PASSWORD_FILE cannot read'],
])('what does not go together is refused by its variable: %j', (environment, said) => {
  expect(() => databaseUrl(environment)).toThrow(
    expect.objectContaining({ code: 'configuration-invalid', message: expect.stringContaining(said) }),
  );
  expect(() => databaseUrl(environment)).not.toThrow('secret');
});

test.each([
  ['postgres://relay:other@db/shop', { SHOP_PASSWORD: 'secret' }, 'holds a password'],
  ['postgres://db/shop', { SHOP_PASSWORD: 'secret' }, 'name the user'],
  ['postgres://relay@db/shop?sslmode=require', {}, 'sslmode=verify-full'],
  ['postgres://relay@db/shop?sslmode=prefer', {}, 'sslmode=verify-full'],
  ['postgres://relay@db/shop?sslmode=verify-ca', { SHOP_TLS_MODE: 'verify-full' }, 'says sslmode'],
])('a URL that says otherwise is refused: %s', (of, environment, said) => {
  expect(() => databaseUrl(environment, of)).toThrow(said);
});

const login = {
  KAFKA_SASL_MECHANISM: 'scram-sha-512',
  KAFKA_SASL_USERNAME: 'relay',
  KAFKA_SASL_PASSWORD: 'secret',
};
const addresses = ['a:1'];

test('brokers without settings stay a list; with them they know how they are reached, and tell nobody', () => {
  expect(brokersFrom({}, { addresses })).toBe(addresses);
  const secured = brokersFrom({ ...login, KAFKA_TLS_MODE: 'verify-full' }, { addresses });
  if (!(secured instanceof SecuredBrokers)) throw new Error('not secured');
  expect(secured.login()).toEqual({ mechanism: 'scram-sha-512', username: 'relay', password: 'secret' });
  expect(secured.tls.mode).toBe('verify-full');
  for (const shown of [JSON.stringify(secured), JSON.stringify(structuredClone(secured))])
    expect(shown).toBe('{"addresses":["a:1"]}');
});

test('a password file is read when it is used, so that a new password holds', () => {
  const { KAFKA_SASL_PASSWORD: _, ...rest } = login;
  const path = file('rotated', 'one');
  const secured = brokersFrom({ ...rest, KAFKA_SASL_PASSWORD_FILE: path }, { addresses });
  if (!(secured instanceof SecuredBrokers)) throw new Error('not secured');
  expect(secured.login()?.password).toBe('one');
  writeFileSync(path, 'two\r\n');
  expect(secured.login()?.password).toBe('two');
});

test.each<[NodeJS.ProcessEnv, string]>([
  [{ ...login, KAFKA_SASL_MECHANISM: undefined }, 'KAFKA_SASL_MECHANISM is missing'],
  [{ ...login, KAFKA_SASL_USERNAME: undefined }, 'KAFKA_SASL_USERNAME is missing'],
  [{ ...login, KAFKA_SASL_PASSWORD: undefined }, 'KAFKA_SASL_PASSWORD is missing'],
  [{ ...login, KAFKA_SASL_MECHANISM: 'gssapi' }, 'KAFKA_SASL_MECHANISM'],
  [{ ...login, KAFKA_SASL_MECHANISM: 'plain' }, 'KAFKA_TLS_MODE has to be set with the mechanism plain'],
])('a login that is not whole, or that anyone could read, is refused: %j', (environment, said) => {
  expect(() => brokersFrom(environment, { addresses })).toThrow(said);
  expect(() => brokersFrom(environment, { addresses })).not.toThrow('secret');
});
