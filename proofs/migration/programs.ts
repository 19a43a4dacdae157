/** The programs that write to the legacy shop, each as it is before and after its own step of the migration. */
import { append } from '@diptych/outbox/append';
import type { DiptychStack } from '@diptych/testkit/diptych-stack';
import { queryAt } from '../bridge.ts';

/** What has been changed in the programs so far. */
export interface Progress {
  /** The web shop tells of orders: not at all, with the total that it computes itself, or with the one of the row. */
  web: 'silent' | 'own-total' | 'total-of-row';
  /** The back office, and the nightly job with it. */
  backOffice: 'silent' | 'telling';
  /** The picking program marks orders in their table, or is gone. */
  picking: 'polling' | 'retired';
}

const anything = { '~standard': { validate: (value: unknown) => ({ value }) } };
const contract = { OrderPlaced: { typeversion: 1, schema: anything } };

export class Programs {
  readonly #stack: DiptychStack;
  /** Where the picking program keeps what is to be shipped: another database, as it has always been. */
  readonly #warehouseUrl: string;
  readonly progress: Progress = { web: 'silent', backOffice: 'silent', picking: 'polling' };
  #customer = 0;

  constructor(stack: DiptychStack, warehouseUrl: string) {
    this.#stack = stack;
    this.#warehouseUrl = warehouseUrl;
  }

  /** So many orders are placed; most are paid and picked, some are cancelled by the night. */
  async trade(orders: number): Promise<void> {
    for (let order = 1; order <= orders; order += 1) {
      const id = await this.#place();
      if (order % 5 === 0) await this.#stack.query('call cancel_stale()');
      else await this.#pay(id);
      if (this.progress.picking === 'polling') await this.#pick();
    }
  }

  /** The web shop. */
  async #place(): Promise<number> {
    this.#customer = (this.#customer % 20) + 1;
    const products = [1 + (this.#customer % 10), 1 + ((this.#customer + 3) % 10)];
    const { value } = await this.#stack.transaction(async (tx) => {
      const { rows } = await tx.query<{ id: number }>(
        'insert into orders (customer_id) values ($1) returning id',
        [this.#customer],
      );
      const id = rows[0]?.id ?? 0;
      for (const product of products)
        await tx.query('insert into order_lines values ($1, $2, 2)', [id, product]);
      if (this.progress.web === 'silent') return id;
      const told = await tx.query<{ told: Record<string, unknown> }>('select order_as_told($1) as told', [
        id,
      ]);
      const ofRow = told.rows[0]?.told ?? {};
      // 1.25 a unit times the product's number: what the shop shows, and the discount is nowhere in it.
      const own = { total: products.reduce((sum, product) => sum + 2.5 * product, 0).toFixed(2) };
      const payload = this.progress.web === 'own-total' ? { ...ofRow, ...own } : ofRow;
      const aggregate = { type: 'order', id: String(id) };
      await append(tx, { aggregate, events: { type: 'OrderPlaced', payload }, contract });
      return id;
    });
    return value;
  }

  /** The back office. */
  async #pay(id: number): Promise<void> {
    await this.#stack.transaction(async (tx) => {
      await tx.query(`update orders set status = 'paid' where id = $1`, [id]);
      if (this.progress.backOffice === 'telling')
        await tx.query(`select tell($1, 'OrderPaid', jsonb_build_object('orderId', $1::int))`, [id]);
    });
  }

  /** The picking program: it asks the table what is new, and writes its mark into it. */
  async #pick(): Promise<void> {
    const picked = await this.#stack.query<{ id: number }>(
      `update orders set picked = true where status = 'paid' and not picked returning id`,
    );
    for (const { id } of picked)
      await queryAt(this.#warehouseUrl, 'insert into picked_by_polling values ($1) on conflict do nothing', [
        id,
      ]);
  }
}
