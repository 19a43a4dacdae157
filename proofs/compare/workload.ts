/**
 * Orders that go their way, each step with its event: and, at places that the seed chooses, what ought to be found. Each
 * session has orders of its own; a step is one statement, and so one transaction.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Random } from '../simulate/random.ts';
import { statements } from './orders.ts';

/** What was planted, by the transaction's id as the panels have it. */
export interface Planted {
  /** Without an event: the shape that it has to be found under. */
  readonly leaks: ReadonlyMap<number, LeakKind>;
  /** By order, the transaction in which its two states part. */
  readonly drifts: ReadonlyMap<string, number>;
}

export type LeakKind = 'note' | 'line' | 'less-lines' | 'amount';

const sessions = 8;

type Step = 'place' | 'pay' | 'reprice' | 'pack' | 'annotate' | 'end' | 'leak' | 'drift';

interface Order {
  readonly id: number;
  version: number;
  amount: number;
  readonly steps: Step[];
}

export class Workload {
  readonly #databaseUrl: string;
  readonly #random: () => number;
  readonly #leaks = new Map<number, LeakKind>();
  readonly #drifts = new Map<string, number>();
  /** What is still to be planted, and by how many transactions from now the next one. */
  #toPlant: ('leak' | 'drift')[] = [];
  #gap = Number.POSITIVE_INFINITY;
  #sinceLast = 0;
  #nextOrder = 1;
  #written = 0;
  /** So many are written, and no more until it is raised: whoever is to die among them does so at its place. */
  writtenMax = Number.POSITIVE_INFINITY;

  constructor({ databaseUrl, seed }: { databaseUrl: string; seed: number }) {
    this.#databaseUrl = databaseUrl;
    const random = new Random(seed);
    this.#random = () => random.next();
  }

  get planted(): Planted {
    return { leaks: this.#leaks, drifts: this.#drifts };
  }

  /** Transactions that were committed. */
  get written(): number {
    return this.#written;
  }

  /** Writes so many transactions, at a rate or as fast as it goes, and plants in the midst of them. */
  async write({
    transactions,
    perSecond = Number.POSITIVE_INFINITY,
    leaks = 0,
    drifts = 0,
    signal,
  }: {
    transactions: number;
    perSecond?: number;
    leaks?: number;
    drifts?: number;
    signal: AbortSignal;
  }): Promise<void> {
    this.#toPlant = [
      ...Array.from({ length: leaks }, () => 'leak' as const),
      ...Array.from({ length: drifts }, () => 'drift' as const),
    ];
    this.#toPlant.sort(() => this.#random() - 0.5);
    this.#gap = Math.floor(transactions / (this.#toPlant.length * 1.3 + 1));
    const end = this.#written + transactions;
    const startedAt = performance.now();
    const before = this.#written;
    const due = (): boolean =>
      (this.#written - before) / ((performance.now() - startedAt) / 1000) <= perSecond;
    await Promise.all(
      Array.from(
        { length: sessions },
        async () => await this.#session({ end, due, isOver: () => signal.aborted }),
      ),
    );
    signal.throwIfAborted();
  }

  async #session({
    end,
    due,
    isOver,
  }: {
    end: number;
    due: () => boolean;
    isOver: () => boolean;
  }): Promise<void> {
    const client = new pg.Client({ connectionString: this.#databaseUrl });
    await client.connect();
    try {
      // Nothing is killed that could lose a commit of Postgres; each step need not wait for the disk.
      await client.query('set synchronous_commit = off');
      let order = this.#newOrder();
      while (!isOver() && (this.#written < end || this.#toPlant.length > 0)) {
        if (!due() || this.#written >= this.writtenMax) {
          await sleep(2);
          continue;
        }
        const step = order.steps.shift();
        if (step === undefined) order = this.#newOrder();
        else await this.#take(client, order, step);
      }
    } finally {
      await client.end();
    }
  }

  #newOrder(): Order {
    const id = this.#nextOrder;
    this.#nextOrder += 1;
    const maybe = (step: Step, share: number): Step[] => (this.#random() < share ? [step] : []);
    const steps: Step[] = [
      'place',
      'pay',
      ...maybe('reprice', 0.3),
      'pack',
      ...maybe('annotate', 0.2),
      'end',
    ];
    this.#sinceLast += steps.length;
    if (this.#sinceLast >= this.#gap) {
      const next = this.#toPlant.shift();
      if (next !== undefined) {
        this.#sinceLast = 0;
        // After its last step: nothing may make good what was planted.
        if (next === 'drift' && this.#random() < 0.5) steps.splice(-1, 1, 'drift');
        else steps.push(next === 'drift' ? 'drift' : 'leak');
      }
    }
    return { id, version: 0, amount: Math.round(this.#random() * 10_000) / 100, steps };
  }

  async #take(client: pg.Client, order: Order, step: Step): Promise<void> {
    const amount = () => order.amount.toFixed(2);
    switch (step) {
      case 'place':
        await this.#tell(client, order, {
          of: 'place',
          type: 'OrderPlaced',
          payload: { status: 'placed', amount: amount() },
          value: amount(),
        });
        return;
      case 'pay':
        await this.#tell(client, order, {
          of: 'move',
          type: 'OrderPaid',
          payload: { status: 'paid' },
          value: 'paid',
        });
        return;
      case 'reprice':
        order.amount = Math.round(order.amount * 110) / 100;
        await this.#tell(client, order, {
          of: 'reprice',
          type: 'OrderRepriced',
          payload: { amount: amount() },
          value: amount(),
        });
        return;
      case 'pack':
        await this.#tell(client, order, {
          of: 'move',
          type: 'OrderPacked',
          payload: { status: 'packed' },
          value: 'packed',
        });
        return;
      case 'annotate':
        await this.#tell(client, order, {
          of: 'annotate',
          type: 'OrderAnnotated',
          payload: {},
          value: `note ${order.id}`,
        });
        return;
      case 'end': {
        const [type = '', status = ''] = this.#pick([
          ['OrderSent', 'sent'],
          ['OrderCancelled', 'closed'],
          ['OrderExpired', 'closed'],
        ]);
        await this.#tell(client, order, { of: 'move', type, payload: { status }, value: status });
        return;
      }
      case 'leak':
        await this.#leak(client, order, this.#pick(['note', 'line', 'less-lines']));
        return;
      case 'drift':
        await this.#drift(client, order);
        return;
    }
  }

  /** An event that says another thing than the row; or, once the order is at its end, an amount without an event. */
  async #drift(client: pg.Client, order: Order): Promise<void> {
    const isAtItsEnd = order.version >= 4 && this.#random() < 0.5;
    const xid = isAtItsEnd
      ? await this.#leak(client, order, 'amount')
      : await this.#tell(client, order, {
          of: 'move',
          type: 'OrderSent',
          payload: { status: 'sent' },
          value: 'closed',
        });
    this.#drifts.set(String(order.id), xid);
    order.steps.length = 0;
  }

  async #leak(client: pg.Client, order: Order, kind: LeakKind): Promise<number> {
    const value = { note: 'by hand', line: 'gift', 'less-lines': 'sku 1', amount: '0.01' }[kind];
    const xid = await this.#ask(client, `leak-${kind}`, [order.id, value]);
    this.#leaks.set(xid, kind);
    return xid;
  }

  async #tell(
    client: pg.Client,
    order: Order,
    {
      of,
      type,
      payload,
      value,
    }: { of: keyof typeof statements; type: string; payload: object; value: string },
  ): Promise<number> {
    order.version += 1;
    return await this.#ask(client, of, [order.id, type, JSON.stringify(payload), order.version, value]);
  }

  /** One transaction; answers its id, 32 bits, as the panels have it. */
  async #ask(client: pg.Client, name: keyof typeof statements, values: unknown[]): Promise<number> {
    const { rows } = await client.query<{ xid: string }>({ name, text: statements[name], values });
    this.#written += 1;
    return Number(BigInt.asUintN(32, BigInt(rows[0]?.xid ?? 0)));
  }

  #pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    const chosen = choices[Math.floor(this.#random() * choices.length)];
    if (chosen === undefined) throw new Error('there is nothing to choose from');
    return chosen;
  }
}
