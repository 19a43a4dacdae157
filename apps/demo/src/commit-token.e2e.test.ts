/** The header `Diptych-Commit` of the cart service, against what the relay publishes: docs/wire.md, "Commit token". */
import { type CartUnderTest, cartUnderTest } from '@diptych/cart-app/cart-under-test';
import { openPanels } from '@diptych/compare/open-panels';
import { parseIdentity } from '@diptych/kafka/identity';
import { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { formatLsn, parseLsn } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { postAndAwait } from './examples/read-your-writes-for-tests.ts';

test('a token has passed when the END of its xid is in Kafka, at a commit LSN not beyond its own', {
  timeout: 240_000,
}, async () => {
  const cart = await cartUnderTest();
  const relay = await RelayUnderTest.create({
    DIPTYCH_DATABASE_URL: cart.databaseUrl,
    DIPTYCH_TIMING_IDLE_CHECKPOINT_INTERVAL_MS: '100',
  });
  try {
    await relay.initialise();
    const running = relay.start();
    await relay.active(running);
    const path = await cart.open();
    const item = { sku: 'banana', quantity: 1 };
    const tokens: string[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const { headers } = await cart.ask(`POST ${path}/items`, { body: item });
      tokens.push(headers.get('diptych-commit') ?? '');
    }
    const refused = await cart.ask(`POST ${path}/items`, { body: { ...item, sku: 'nothing' } });
    expect([refused.status, refused.headers.get('diptych-commit')]).toEqual([404, null]);
    const passed = async () => {
      const ends = (await relay.records(relay.transactionTopic)).map(({ headers }) =>
        parseIdentity(headers.get('diptych-tx') ?? ''),
      );
      return ends.some(({ xid }) => xid === read(tokens.at(-1)).xid) ? ends : undefined;
    };
    const ends = await poll(passed, { what: `the END of ${tokens.at(-1)}`, timeoutMs: 20_000 });
    for (const token of tokens) {
      const { xid, lsn } = read(token);
      const own = ends.filter((end) => end.xid === xid && end.commitLsn <= lsn);
      expect(own.map((end) => end.xid)).toEqual([xid]);
    }
    await answersTokens({ cart, relay, tokens });
    await relay.caughtUp();
    expect(running.board.flushed).toBeGreaterThanOrEqual(read(tokens.at(-1)).lsn);
    await running.stop();
  } finally {
    await relay.close();
    await cart.close();
  }
});

async function answersTokens({
  cart,
  relay,
  tokens,
}: {
  cart: CartUnderTest;
  relay: RelayUnderTest;
  tokens: readonly string[];
}): Promise<void> {
  const { kafka, prefix, slot } = relay.configuration;
  const options = { brokers: kafka.brokers, prefix, slot };
  const panels = openPanels(options);
  try {
    for (const token of tokens) {
      expect(await panels.passed(token, { timeoutMs: 20_000 })).toMatchObject({ tag: 'end' });
    }
    // Of this transaction nothing is published: no publication has the table.
    await cart.query('create table notes (note text)');
    const [row] = await cart.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
    const passed = await panels.passed(`1@${row?.lsn}`, { timeoutMs: 20_000 });
    expect(passed).toMatchObject({ tag: 'position' });
    // A checkpoint and an END that are published together come in any order.
    expect(['end', 'position']).toContain((await postAndAwait(`${cart.url}/carts`, options)).tag);
  } finally {
    await panels.close();
  }
}

/** `<xid8>@<lsn>`: END has the low 32 bits of the xid. */
function read(token = ''): { xid: number; lsn: bigint } {
  const [xid8 = '', lsn = ''] = token.split('@');
  const position = parseLsn(lsn);
  expect(token).toBe(`${BigInt(xid8)}@${formatLsn(position)}`);
  return { xid: Number(BigInt.asUintN(32, BigInt(xid8))), lsn: position };
}
