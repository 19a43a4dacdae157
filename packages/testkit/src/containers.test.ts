import { expect, test } from 'vitest';
import { imagesOf, kafkaEnvironment } from './containers.ts';

test('the images are those of the README unless the environment names others', () => {
  expect(imagesOf({})).toEqual({ postgres: 'postgres:18', kafka: 'apache/kafka:4.3.1' });
  expect(
    imagesOf({ DIPTYCH_POSTGRES_IMAGE: 'postgres:18.4', DIPTYCH_KAFKA_IMAGE: 'mirror/kafka:1' }),
  ).toEqual({
    postgres: 'postgres:18.4',
    kafka: 'mirror/kafka:1',
  });
});

test('the broker advertises the port that was chosen, and reaches itself by another listener', () => {
  const env = kafkaEnvironment({ host: 'engine.example', port: 20_001 });
  expect(env.KAFKA_ADVERTISED_LISTENERS).toBe('INTERNAL://localhost:19092,HOST://engine.example:20001');
  expect(env.KAFKA_INTER_BROKER_LISTENER_NAME).toBe('INTERNAL');
});
