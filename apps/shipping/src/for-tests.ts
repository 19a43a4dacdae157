/** Events of carts as the relay publishes them, and a running service whose work can be counted. */
import { randomUUID } from 'node:crypto';
import { type CartPayload, cartContract } from '@diptych/contracts/cart-events';
import { money } from '@diptych/contracts/money';
import { type DomainEvent, readDomainEvent } from '@diptych/inbox/domain-event';
import { createPublisher } from '@diptych/kafka/create-publisher';
import { formatIdentity, identityHeader } from '@diptych/kafka/identity';
import type { Publisher } from '@diptych/kafka/publisher';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { ensureTopics } from '@diptych/kafka/topics';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { testBrokers } from '@diptych/testkit/for-tests';
import { lsn, xid } from '@diptych/wal/lsn';
import pg from 'pg';
import { type ShippingService, startShipping } from './server.ts';

/** The worked example: 2 bananas, 1 mango, ten cents off. */
export function checkout(cartId: number): CartPayload<'CartCheckedOut'> {
  const banana = {
    sku: 'banana',
    name: 'Banana',
    unitPrice: money('1.00'),
    quantity: 2,
    lineTotal: money('2.00'),
  };
  const mango = {
    sku: 'mango',
    name: 'Mango',
    unitPrice: money('2.00'),
    quantity: 1,
    lineTotal: money('2.00'),
  };
  return {
    cartId,
    actor: 'customer',
    totals: { subtotal: money('4.00'), discount: money('-0.10'), total: money('3.90') },
    lines: [banana, mango],
    discounts: [{ code: 'two-bananas', amount: money('-0.10') }],
  };
}

export interface TestEvent {
  readonly cartId: number;
  readonly id?: string;
  readonly type?: string;
  readonly version?: number;
  /** Default: the checkout of the cart. */
  readonly payload?: unknown;
}

/** The headers that the relay gives an event. */
export function headersOf({ id = randomUUID(), type = 'CartCheckedOut', version = 1 }: TestEvent) {
  const identity = {
    timeline: 1,
    commitLsn: lsn(0x16b374d848n),
    xid: xid(757),
    ordinal: 3,
    part: 0,
    commitTimeUs: 1_795_246_912_669_491n,
  };
  return [
    ['id', id],
    ['eventType', type],
    ['eventVersion', String(version)],
    ['aggregateVersion', '7'],
    [identityHeader, formatIdentity(identity)],
  ] as const;
}

function recordOf(topic: string, event: TestEvent): OutgoingRecord {
  return {
    topic,
    key: Buffer.from(String(event.cartId)),
    value: Buffer.from(JSON.stringify(event.payload ?? checkout(event.cartId))),
    headers: headersOf(event),
    timestampMs: 1_795_246_912_669,
  };
}

/** What the inbox reads of the event. */
export function readForTests(event: TestEvent) {
  const { topic, key, value, headers, timestampMs } = recordOf('outbox.event.cart', event);
  const record = { topic, partition: 0, offset: 0n, key, value, headers: new Map(headers), timestampMs };
  return readDomainEvent(record, { contracts: cartContract, isWanted: () => true });
}

/** The checkout of a cart as its handler gets it. */
export function checkoutEvent(event: TestEvent): DomainEvent<typeof cartContract, 'CartCheckedOut'> {
  const reading = readForTests(event);
  if (reading.tag !== 'event' || reading.event.type !== 'CartCheckedOut')
    throw new Error('it is no checkout');
  return reading.event;
}

/** A topic of cart events and who publishes to it, one transaction a call. */
export class CartTopic {
  readonly name: string;
  readonly #publisher: Publisher;

  constructor(name: string) {
    this.name = name;
    this.#publisher = createPublisher('platformatic', {
      brokers: testBrokers(),
      clientId: name,
      transactionalId: name,
      transactionTimeoutMs: 10_000,
      requestTimeoutMs: 10_000,
    });
  }

  async create(partitions: number): Promise<void> {
    await ensureTopics({ brokers: testBrokers(), specs: [{ name: this.name, partitions, config: {} }] });
    await this.#publisher.fence();
  }

  async publish(events: readonly TestEvent[]): Promise<void> {
    await this.#publisher.publish(events.map((event) => recordOf(this.name, event)));
  }

  close(): Promise<void> {
    return this.#publisher.close();
  }
}

/** A service on a free port. */
export async function startForTests(options: {
  databaseUrl: string;
  groupId: string;
  topic: string;
}): Promise<ShippingService> {
  const log = createLogger('shipping', { level: 'silent' });
  return await startShipping({ ...options, brokers: testBrokers(), log, host: '127.0.0.1', port: 0 });
}

/** How many events had this outcome, by the service's own metrics. */
export async function count(
  { url }: ShippingService,
  outcome: 'handled' | 'repeated' | 'passed-over',
): Promise<number> {
  const response = await fetch(`${url}/metrics`);
  const line = new RegExp(`^diptych_inbox_events_total\\{outcome="${outcome}"[^}]*\\} (\\d+)$`, 'm');
  return Number(line.exec(await response.text())?.[1] ?? 0);
}

/** Runs one statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(
  databaseUrl: string,
  text: string,
): Promise<Row[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** The carts that the service shows as shipped. */
export async function shippedCarts(url: string): Promise<number[]> {
  const response = await fetch(`${url}/shipments?limit=1000`);
  const { shipments = [] } = (await response.json()) as { shipments?: { cartId: number }[] };
  return shipments.map(({ cartId }) => cartId);
}

/** Waits until exactly these carts are shipped. */
export async function untilShipped(url: string, cartIds: readonly number[]): Promise<void> {
  await untilTrue(`carts ${cartIds.join(', ')} are shipped`, async () => {
    const shipped = await shippedCarts(url);
    return shipped.join() === cartIds.join();
  });
}

/** Waits until `/readyz` answers so. */
export async function untilReadyz(url: string, expected: { status: number; detail?: string }): Promise<void> {
  await untilTrue(`/readyz answers ${expected.status} ${expected.detail ?? ''}`, async () => {
    const response = await fetch(`${url}/readyz`);
    const text = await response.text();
    return response.status === expected.status && text.includes(expected.detail ?? '');
  });
}

/** Waits up to 30 s. */
export async function untilTrue(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
  await poll(async () => ((await ask()) ? true : undefined), { what, timeoutMs: 30_000 });
}
