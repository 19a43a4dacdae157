import { expect, test } from 'vitest';
import { readConfiguration } from './configuration.ts';

const whole = {
  SHIPPING_DATABASE_URL: 'postgres://ship:secret@db:5432/shipping',
  KAFKA_BROKERS: 'a:9092, b:9092',
};

test('settings come from the environment, the others have defaults', () => {
  expect(readConfiguration(whole)).toEqual({
    databaseUrl: whole.SHIPPING_DATABASE_URL,
    brokers: ['a:9092', 'b:9092'],
    topic: 'outbox.event.cart',
    groupId: 'shipping',
    host: '127.0.0.1',
    port: 8082,
  });
  expect(readConfiguration({ ...whole, HOST: '::', PORT: '0' })).toMatchObject({ host: '::', port: 0 });
});

test.each([
  { SHIPPING_DATABASE_URL: undefined },
  { SHIPPING_DATABASE_URL: 'mysql://ship:secret@db/shipping' },
  { KAFKA_BROKERS: undefined },
  { KAFKA_BROKERS: ' , ' },
  { KAFKA_BROKERS: 'a:9092,b' },
  { PORT: '65536' },
  { PORT: 'http' },
])('what is wrong is refused by its name, without its value: %o', (wrong) => {
  const [name = ''] = Object.keys(wrong);
  const read = () => readConfiguration({ ...whole, ...wrong });
  expect(read).toThrow(expect.objectContaining({ code: 'configuration-invalid' }));
  expect(read).toThrow(name);
  expect(read).not.toThrow('secret');
});
