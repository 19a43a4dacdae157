import { describe, expect, test } from 'vitest';
import { readConfiguration } from './configuration.ts';
import { routerOptions } from './outbox-configuration.ts';
import { outboxTables, payloadPlaces } from './outboxes.ts';

function read(outboxes: unknown) {
  return readConfiguration({
    file: undefined,
    environment: {
      DIPTYCH_DATABASE_URL: 'postgres://h/d',
      DIPTYCH_KAFKA_BROKERS: 'h:1',
      DIPTYCH_OUTBOXES: typeof outboxes === 'string' ? outboxes : JSON.stringify(outboxes),
    },
  });
}

const table = 'public.orders';

test('an outbox of its own is one besides those of the common settings', () => {
  const router = { 'table.field.event.id': 'event', 'table.field.event.payload': 'data' };
  const usual = { aggregateType: 'aggregatetype', type: 'type' };
  const configuration = read([{ table, router }, { message: 'sold' }]);
  expect(outboxTables(configuration)).toEqual(['public.outbox', table]);
  expect(payloadPlaces(configuration)).toEqual([
    { table: 'public.outbox', ...usual, id: 'id', payload: 'payload' },
    { table, ...usual, id: 'event', payload: 'data' },
  ]);
});

test('what is not set is as the common settings have it, and Debezium’s truths may be texts', () => {
  const [settings] = read([{ table, router: { 'table.expand.json.payload': 'true' } }]).outboxes;
  if (!settings) throw new Error('no outbox');
  const options = routerOptions(settings, 'events.');
  expect(options.topic('User')).toBe('events.User');
  expect(options).toMatchObject({
    columns: { id: 'id', key: 'aggregateid', type: 'type', payload: 'payload', timestamp: null },
    ...{ routeBy: 'aggregatetype', placements: [], missingColumns: 'error', expandJson: { nulls: 'ignore' } },
    ...{ tombstoneOnEmpty: false, onUpdate: 'warn', headers: ['traceparent'] },
  });
  expect(settings.onPoison).toBeUndefined();
});

describe('is refused when it is read, by the name of the setting:', () => {
  test.each<[string, unknown, string]>([
    [
      'an expression that is none',
      [{ table, router: { 'route.topic.regex': '(' } }],
      'outboxes.0.router.route.topic.regex',
    ],
    [
      'a group that is not there',
      [{ table, router: { 'route.topic.replacement': '$2' } }],
      'route.topic.replacement',
    ],
    [
      'a placement that is none',
      [{ table, router: { 'table.fields.additional.placement': 'type:body' } }],
      'table.fields.additional.placement',
    ],
    [
      'a behaviour that is none',
      [{ table, router: { 'table.op.invalid.behavior': 'ignore' } }],
      'table.op.invalid.behavior',
    ],
    [
      'an option that is none',
      [{ table, router: { 'table.field.event.idd': 'x' } }],
      'table.field.event.idd is not a setting',
    ],
    ['neither table nor message', [{}], 'outboxes.0.table'],
    ['both', [{ table, message: 'sold' }], 'outboxes.0.table'],
    ['a header of the relay’s', [{ table, headers: ['diptych-tx'] }], 'outboxes.0.headers.0'],
    ['the same outbox twice', [{ table }, { table }], 'outboxes.1'],
    ['what is not JSON', 'public.orders', 'DIPTYCH_OUTBOXES is not JSON'],
  ])('%s', (_what, outboxes, name) => {
    expect(() => read(outboxes)).toThrow(
      expect.objectContaining({ code: 'configuration-invalid', message: expect.stringContaining(name) }),
    );
  });
});
