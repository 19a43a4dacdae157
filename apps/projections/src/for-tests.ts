/** Carts as the relay publishes them, and the service as a process of its own, to be killed like one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createPublisher } from '@diptych/kafka/create-publisher';
import type { Publisher } from '@diptych/kafka/publisher';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { ensureTopics } from '@diptych/kafka/topics';
import { poll } from '@diptych/runtime/poll';
import { testBrokers } from '@diptych/testkit/for-tests';
import { type HistoryEvent, tell, type Wish } from './cart-histories-for-tests.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

const wish = (tag: Wish['tag'], sku = 'banana'): Wish => ({ tag, sku, quantity: 1, code: 'two-bananas' });

/** The worked example without its mango: 2 bananas, an apple taken out again, ten cents off. */
const bought = [
  ...[wish('add'), wish('add', 'apple'), wish('add'), wish('remove', 'apple')],
  ...[wish('apply'), wish('check-out')],
];
/** What one of them comes to, and how many events it takes. */
export const boughtTotal = '1.90';
export const boughtEvents = bought.length + 1;

/** Topics of carts and who publishes to them: a relay, to those who read. */
export class CartTopic {
  readonly name: string;
  readonly #publisher: Publisher;

  constructor(name: string) {
    this.name = name;
    this.#publisher = createPublisher('platformatic', {
      ...{ brokers: testBrokers(), clientId: name, transactionalId: name },
      ...{ transactionTimeoutMs: 30_000, requestTimeoutMs: 10_000 },
    });
  }

  async create(partitions: number): Promise<void> {
    await ensureTopics({ brokers: testBrokers(), specs: [{ name: this.name, partitions, config: {} }] });
    await this.#publisher.fence();
  }

  /** Carts that were bought, one Kafka transaction. */
  async buy(cartIds: readonly number[]): Promise<void> {
    const events = cartIds.flatMap((cartId) => tell({ topic: this.name, cartId, wishes: bought }));
    await this.#publisher.publish(events.map(recordOf));
  }

  close(): Promise<void> {
    return this.#publisher.close();
  }
}

function recordOf({
  id,
  type,
  aggregateId,
  aggregateVersion,
  time,
  at,
  payload,
}: HistoryEvent): OutgoingRecord {
  return {
    topic: at.topic,
    key: Buffer.from(String(aggregateId)),
    value: Buffer.from(JSON.stringify(payload)),
    headers: [
      ['id', id],
      ['eventType', type],
      ['eventVersion', '1'],
      ['aggregateVersion', String(aggregateVersion)],
    ],
    timestampMs: time.getTime(),
  };
}

/** A command of the service. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  #said = '';

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [main, ...args], {
      env: { PATH: process.env.PATH, DIPTYCH_LOG_LEVEL: 'warn', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString();
      });
    }
  }

  get said(): string {
    return this.#said;
  }

  /** What it ended with, once it has. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    return child.exitCode ?? child.signalCode;
  }

  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.#child.kill(signal);
    return await this.ended();
  }
}

/** Waits up to three minutes. */
export async function untilTrue(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
  await poll(async () => ((await ask()) ? true : undefined), { what, timeoutMs: 180_000 });
}
