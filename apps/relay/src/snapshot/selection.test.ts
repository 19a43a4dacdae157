import { expect, test } from 'vitest';
import { selectTables } from './selection.ts';

const published = ['carts', 'orders', 'outbox'].map((name) => ({ schema: 'public', name }));
const select = (tables: string[], where: { table: string; condition: string }[] = []) =>
  selectTables({ tables, where }, { published, outboxes: ['public.outbox'] }).map(
    ({ name, where: condition }) => (condition === null ? name : `${name} where ${condition}`),
  );

test('patterns select business tables with their conditions, an outbox only by its full name', () => {
  const where = [{ table: 'public.orders', condition: 'id > 1' }];
  expect(select(['public.*'], where)).toEqual(['carts', 'orders where id > 1']);
  expect(select(['public.outbox', 'public.c*'])).toEqual(['carts', 'outbox']);
  expect(selectTables({ tables: ['*.*'], where: [] }, { published: [], outboxes: [] })).toEqual([]);
});

test('a setting that fits no table is refused by its field, all of them at once', () => {
  expect(() => select(['public.cart', 'public.o*'], [{ table: 'public.carts', condition: 'true' }])).toThrow(
    'snapshot.tables[0]: public.cart fits no table of the publication; ' +
      'snapshot.where[0].table: public.carts is no table that snapshot.tables selects',
  );
  const twice = ['id > 1', 'id < 9'].map((condition) => ({ table: 'public.carts', condition }));
  expect(() => select(['*.*'], twice)).toThrow('snapshot.where[1].table: public.carts is there twice');
  // Not even a pattern that fits an outbox selects it.
  expect(() => select(['public.outb*'])).toThrow('snapshot.tables[0]: public.outb*');
});
