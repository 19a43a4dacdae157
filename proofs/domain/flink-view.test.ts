import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { differences, statementsOf, withOptions } from './flink-view.ts';

const script = readFileSync(new URL('../flink/current-carts.sql', import.meta.url), 'utf8');

test('the script is two tables and one statement that fills the view', () => {
  const statements = statementsOf(script);
  expect(statements.map((statement) => statement.split(/\s+/).slice(0, 3).join(' '))).toEqual([
    'create table cart_events',
    'create table current_carts',
    'insert into current_carts',
  ]);
  expect(statements.join('\n')).not.toMatch(/--|;/);
});

test('docs/streaming-sql.md shows the script as it is run', () => {
  const page = readFileSync(new URL('../../docs/streaming-sql.md', import.meta.url), 'utf8');
  expect(page).toContain(`\`\`\`sql\n${script}\`\`\``);
});

test('an option that the script has not is not set in silence', () => {
  expect(withOptions(script, { "'current-carts'": "'x'" })).toContain("'topic' = 'x'");
  expect(() => withOptions(script, { "'nothing'": "'x'" })).toThrow(/the script has/);
});

const line = { cart_id: 101, sku: 'kiwi', name: 'Kiwi', quantity: 2, unit_price: '0.45' };
const view = new Map([['cart 101, kiwi', '["Kiwi",2,"0.45"]']]);

test('a line that is missing, is there besides or says something else is a difference', () => {
  expect(differences(view, [line])).toEqual([]);
  expect(differences(view, [])).toHaveLength(1);
  expect(differences(new Map(), [line])).toHaveLength(1);
  expect(differences(view, [{ ...line, quantity: 3 }])).toHaveLength(1);
});
