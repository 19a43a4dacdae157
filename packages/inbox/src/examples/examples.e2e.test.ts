/** The code of docs/consume.md, run. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cartContract } from '@diptych/contracts/cart-events';
import { testBrokers, testDatabase, testPrefix } from '@diptych/testkit/for-tests';
import { expect, test } from 'vitest';
import { NoteTopic, notePool, untilTrue } from '../inbox-for-tests.ts';
import { countRevenue } from './consume-for-tests.ts';
import { addOnce } from './once-for-tests.ts';
import { checkedOut } from './read-for-tests.ts';

test('the code of docs/consume.md is the code that runs here', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/consume.md'), 'utf8');
  for (const name of readdirSync(import.meta.dirname).filter((file) => file.endsWith('-for-tests.ts'))) {
    const code = readFileSync(join(import.meta.dirname, name), 'utf8');
    expect(page, name).toContain(`\`\`\`ts\n${code}\`\`\``);
  }
});

test('it counts each checkout once, reads without a database, and counts once with a consumer of one’s own', async () => {
  const database = await testDatabase();
  const pool = notePool(database.url);
  const [brokers, topic] = [[...testBrokers()], new NoteTopic(`${testPrefix()}.cart`, testBrokers())];
  await topic.create(2);
  const [version] = cartContract.CartCheckedOut.versions;
  const checkout = { n: 0, type: 'CartCheckedOut', version: 1, payload: version?.example, id: randomUUID() };
  await topic.publish([
    { ...checkout, key: '101' },
    { n: 1, type: 'CartGiftWrapped', key: '101' },
  ]);
  await topic.publish([{ ...checkout, key: '101' }]);
  const inbox = countRevenue({ pool, brokers, topic: topic.name });
  const total = async () => (await pool.query('select total from revenue').catch(() => null))?.rows[0]?.total;
  await untilTrue('it is counted', async () => (await total()) === '1.00');
  expect(await checkedOut(brokers, topic.name)).toEqual(new Set([101]));
  await untilTrue('the repeat is looked at', async () => {
    const { rows } = await pool.query('select sum(next_offset)::int as n from inbox_positions');
    return rows[0]?.n >= 3;
  });
  expect(await addOnce(pool, { eventId: checkout.id, total: '1.00' })).toBe('repeated');
  expect(await addOnce(pool, { eventId: randomUUID(), total: '2.00' })).toBe('handled');
  expect(await total()).toBe('3.00');
  await inbox.stop();
  await topic.close();
  await pool.end();
  await database.drop();
});
