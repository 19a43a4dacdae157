import { expect, test } from 'vitest';
import { ageMs } from './age.ts';
import { readConfiguration } from './configuration.ts';

const whole = {
  PROJECTIONS_DATABASE_URL: 'postgres://project:secret@db:5432/projections',
  KAFKA_BROKERS: 'a:9092, b:9092',
};

test('settings come from the environment, the others have defaults', () => {
  expect(readConfiguration(whole)).toEqual({
    databaseUrl: whole.PROJECTIONS_DATABASE_URL,
    brokers: ['a:9092', 'b:9092'],
    topics: ['outbox.event.cart'],
    group: 'projections',
    host: '127.0.0.1',
    port: 8083,
  });
  const both = { ...whole, KAFKA_TOPICS: 'x.cart, x.es-cart', PORT: '0' };
  expect(readConfiguration(both)).toMatchObject({ topics: ['x.cart', 'x.es-cart'], port: 0 });
});

test.each([
  { PROJECTIONS_DATABASE_URL: undefined },
  { PROJECTIONS_DATABASE_URL: 'mysql://project:secret@db/projections' },
  { KAFKA_BROKERS: 'a:9092,b' },
  { KAFKA_TOPICS: ' , ' },
  { PORT: '65536' },
])('what is wrong is refused by its name, without its value: %o', (wrong) => {
  const [name = ''] = Object.keys(wrong);
  const read = () => readConfiguration({ ...whole, ...wrong });
  expect(read).toThrow(expect.objectContaining({ code: 'configuration-invalid' }));
  expect(read).toThrow(name);
  expect(read).not.toThrow('secret');
});

test('an age is a number and a unit', () => {
  expect(['90s', '30m', '12h', '7d'].map(ageMs)).toEqual([90_000, 1_800_000, 43_200_000, 604_800_000]);
});
