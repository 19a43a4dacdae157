/** From a legacy shop to events, stage by stage: each has its command and its gate, which fails before it and passes after. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventContract } from '@diptych/events/event-contract';
import { Inbox } from '@diptych/inbox/inbox';
import { createInbox } from '@diptych/inbox/inbox-table';
import { outboxTables } from '@diptych/outbox/tables';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { startDiptych } from '@diptych/testkit/diptych';
import type { DiptychStack } from '@diptych/testkit/diptych-stack';
import type { Say } from '@diptych/testkit/progress';
import pg from 'pg';
import { queryAt } from '../bridge.ts';
import { diptych, type GateOptions, orderMappings } from './gates.ts';
import { Programs } from './programs.ts';

export interface Gate {
  readonly stage: 'observe' | 'emit' | 'compare' | 'cut-over' | 'retire';
  readonly command: string;
  /** Exit codes. */
  readonly before: number | null;
  readonly after: number | null;
  /** What the one after said, when it is not 0. */
  readonly said: string;
}

export interface WalkFigures {
  readonly orders: number;
  readonly transactions: number;
  readonly gates: readonly Gate[];
  /** Gates that did not fail before their stage, or did not pass after it. */
  readonly wrongGates: readonly Gate[];
  /** Orders that only one of both ways to the warehouse has seen, after the cut over. */
  readonly unequal: number;
}

/** More than the hundred transactions under which `audit` tells no share. */
const ordersPerStage = 60;
const timeoutMs = 300_000;

const sqlOf = (name: string) => readFile(join(import.meta.dirname, name), 'utf8');

export async function walk({ say, signal }: { say: Say; signal: AbortSignal }): Promise<WalkFigures> {
  const legacy = await sqlOf('legacy-shop.sql');
  // A role of one's own in production; the picking mark and the history are changes like any other.
  const stack = await startDiptych({ migrations: { sql: legacy }, say, signal });
  const directory = await mkdtemp(join(tmpdir(), 'diptych-migration-'));
  const warehouseUrl = await createDatabase(stack.databaseUrl);
  const mappings = join(directory, 'mappings.json');
  try {
    await writeFile(mappings, JSON.stringify(orderMappings));
    await queryAt(
      warehouseUrl,
      'create table picked_by_polling (id int primary key); create table picked (id int primary key)',
    );
    return await new Walk({ stack, directory, mappings }, { warehouseUrl, say }).run();
  } finally {
    await dropDatabase(warehouseUrl);
    await stack.close();
    await rm(directory, { recursive: true, force: true });
  }
}

class Walk {
  readonly #gateOptions: GateOptions;
  readonly #stack: DiptychStack;
  readonly #warehouseUrl: string;
  readonly #say: Say;
  readonly #programs: Programs;
  readonly #gates: Gate[] = [];
  /** When the stage before said it was done: what came earlier is not held against the next one. */
  #sinceMs: number | null = null;

  constructor(options: GateOptions, { warehouseUrl, say }: { warehouseUrl: string; say: Say }) {
    this.#gateOptions = options;
    this.#stack = options.stack;
    this.#warehouseUrl = warehouseUrl;
    this.#say = say;
    this.#programs = new Programs(options.stack, warehouseUrl);
  }

  async run(): Promise<WalkFigures> {
    await this.#observe();
    await this.#emit();
    await this.#compare();
    const unequal = await this.#cutOver();
    await this.#retire();
    const gates = this.#gates;
    const wrongGates = gates.filter(({ before, after }) => before === 0 || before === null || after !== 0);
    const [counted] = await this.#stack.query<{ orders: string }>('select count(*) as orders from orders');
    const transactions = (await this.#stack.transactions({ timeoutMs })).length;
    return { orders: Number(counted?.orders), transactions, gates, wrongGates, unequal };
  }

  /** Nothing is changed in any program: the relay reads the WAL, and enough is seen to tell. */
  async #observe(): Promise<void> {
    await this.#stage('observe', ['audit', '--fail-under', '0'], async () => {
      const since = new Date().toISOString();
      await this.#programs.trade(ordersPerStage);
      return { since };
    });
  }

  /** One program after the other writes events; what the poller marks is accepted, with a reason. */
  async #emit(): Promise<void> {
    await this.#stage('emit', ['audit', '--fail-under', '100'], async () => {
      await this.#stack.query(outboxTables);
      await this.#stack.query(await sqlOf('emit.sql'));
      await this.#mustSucceed('init');
      await writeFile(this.#acceptedFile, JSON.stringify({ accepted: [pollersMark] }));
      this.#programs.progress.web = 'own-total';
      await this.#programs.trade(1);
      this.#programs.progress.backOffice = 'telling';
      // What is there already is told once, as it is: from here on both panels have a beginning.
      await this.#stack.query(`select tell(id, 'OrderImported', order_as_told(id)) from orders order by id`);
      const since = new Date().toISOString();
      await this.#programs.trade(ordersPerStage);
      return { since };
    });
  }

  /** Both panels build the same state, or the first transaction where they part is named. A relay that dies changes nothing. */
  async #compare(): Promise<void> {
    await this.#stage('compare', ['verify'], async () => {
      this.#programs.progress.web = 'total-of-row';
      await this.#stack.query(`select tell(id, 'OrderCorrected', order_as_told(id)) from orders order by id`);
      const since = new Date().toISOString();
      await this.#stack.faults.kill('relay');
      await this.#programs.trade(ordersPerStage);
      await this.#stack.faults.start('relay');
      return { since };
    });
  }

  /** The warehouse is told by events, beside the poller at first; when both know the same, the poller goes. */
  async #cutOver(): Promise<number> {
    const question = `select count(*)::int as unequal from picked_by_polling full join picked using (id)
      where picked.id is null or picked_by_polling.id is null`;
    const unequal = async () => {
      const [row] = await queryAt<{ unequal: number }>(this.#warehouseUrl, question);
      return row?.unequal ?? Number.NaN;
    };
    const before = await unequal();
    const pool = new pg.Pool({ connectionString: this.#warehouseUrl });
    const inbox = this.#warehouse(pool);
    try {
      await this.#programs.trade(ordersPerStage);
      await this.#stack.caughtUp({ timeoutMs });
      await poll(async () => ((await unequal()) === 0 ? true : undefined), {
        what: 'both ways know the same',
        timeoutMs,
      }).catch(() => undefined);
    } finally {
      await inbox.stop();
      await pool.end();
    }
    const after = await unequal();
    const exit = (count: number) => (count === 0 ? 0 : 1);
    const command = 'orders that only one of both ways knows';
    this.#gates.push({
      stage: 'cut-over',
      command,
      before: exit(before),
      after: exit(after),
      said: `${after}`,
    });
    return after;
  }

  /** The poller and its column go, and with them the shape that was accepted. */
  async #retire(): Promise<void> {
    await rm(this.#acceptedFile);
    await this.#stage('retire', ['audit', '--fail-under', '100'], async () => {
      this.#programs.progress.picking = 'retired';
      await this.#stack.query('alter table orders drop column picked');
      const since = new Date().toISOString();
      await this.#programs.trade(ordersPerStage);
      return { since };
    });
  }

  get #acceptedFile(): string {
    return join(this.#gateOptions.directory, 'audit.accepted.json');
  }

  /** Of orders that were paid before there were events the import tells. */
  #warehouse(pool: pg.Pool): Inbox<typeof contracts> {
    const pick = async (orderId: number, tx: pg.PoolClient) => {
      await tx.query('insert into picked values ($1) on conflict do nothing', [orderId]);
    };
    const isPaid = (status: string) => status === 'paid';
    return new Inbox({
      ...{ pool, brokers: this.#stack.brokers, group: this.#stack.slot, contracts },
      topics: [`${this.#stack.domainPrefix}order`],
      handlers: {
        OrderPaid: ({ payload }, tx) => pick(payload.orderId, tx),
        OrderImported: async ({ payload }, tx) => {
          if (isPaid(payload.status)) await pick(payload.orderId, tx);
        },
      },
      prepare: () => createInbox(pool),
      log: createLogger('warehouse', { level: 'error' }),
    });
  }

  /** The gate before, the stage, the gate after: each of what was written since a stage said it was done. */
  async #stage(
    stage: Gate['stage'],
    args: readonly string[],
    perform: () => Promise<{ readonly since: string }>,
  ): Promise<void> {
    this.#say(`stage: ${stage}`);
    await this.#stack.caughtUp({ timeoutMs });
    const earlier = this.#sinceMs === null ? [] : ['--since', new Date(this.#sinceMs).toISOString()];
    const before = await diptych(this.#gateOptions, ...args, ...earlier);
    const done = await perform();
    this.#sinceMs = Date.parse(done.since);
    await this.#stack.caughtUp({ timeoutMs });
    const after = await diptych(this.#gateOptions, ...args, '--since', done.since);
    const said = after.code === 0 ? '' : after.output.slice(-3000);
    const command = `diptych ${args.join(' ')} --since …`;
    this.#gates.push({ stage, command, before: before.code, after: after.code, said });
  }

  async #mustSucceed(...args: readonly string[]): Promise<void> {
    const { code, output } = await diptych(this.#gateOptions, ...args);
    if (code !== 0) throw new Error(`diptych ${args.join(' ')}: exit ${code}\n${output}`);
  }
}

/** The proof trusts its own programs: what the payload is, is said to the compiler alone. */
const trusted = <Payload>() => ({
  '~standard': {
    vendor: 'proof',
    validate: (value: unknown) => ({ value: value as Payload }),
    types: undefined as { readonly input: Payload; readonly output: Payload } | undefined,
  },
});

const since = '2026-01-01';
const contracts = {
  OrderPaid: EventContract.first({
    ...{ since, payload: trusted<{ readonly orderId: number }>() },
    example: { orderId: 7 },
  }),
  OrderImported: EventContract.first({
    ...{ since, payload: trusted<{ readonly orderId: number; readonly status: string }>() },
    example: { orderId: 7, status: 'paid' },
  }),
};

/** What the report calls the write of the picking program. */
const pollersMark = {
  shape: 'public.orders u (picked)',
  reason: 'the mark of the picking program, which goes with it in the last stage',
};
