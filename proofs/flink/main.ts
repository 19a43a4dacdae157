/** `npm run conformance:flink`: docs/conformance.md. A reader of change topics that is not ours. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from '@diptych/testkit/stack';
import { Watchdog } from '@diptych/testkit/watchdog';
import pg from 'pg';
import { number, type ProofContext, runProof } from '../arguments.ts';
import { Bridge } from '../bridge.ts';
import { flinkVersion, installFlink } from './flink-sql.ts';
import { readTables } from './read-tables.ts';
import { Workload } from './workload.ts';

const usage = `
npm run conformance:flink -- [--seed N] [--statements N] [--kills N] [--json]
  --seed        what tables, values and statements are drawn from (default 1)
  --statements  how many there are (default 2000)
  --kills       how often the relay is killed meanwhile (default 2)`;

const caughtUpTimeoutMs = 180_000;

function readArguments() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      statements: { type: 'string', default: '2000' },
      kills: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
    },
  });
  return {
    seed: number(values.seed, { option: 'seed', min: 0, max: 2 ** 32 }),
    statements: number(values.statements, { option: 'statements', min: 1, max: 1_000_000 }),
    kills: number(values.kills, { option: 'kills', min: 0, max: 100 }),
    json: values.json,
  };
}

type Arguments = ReturnType<typeof readArguments>;

/** Sends the statements, and kills the relay as often as asked, at even distances. */
async function write(bridge: Bridge, work: Workload, { statements, kills }: Arguments): Promise<number> {
  const client = new pg.Client({ connectionString: bridge.databaseUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  let sent = 0;
  let killed = 0;
  try {
    while (sent < statements) {
      for (const sql of work.next()) {
        await client.query(sql);
        sent += 1;
      }
      if (killed < kills && sent > ((killed + 1) * statements) / (kills + 1)) {
        killed += 1;
        for (const relay of bridge.relays) {
          await relay.kill();
          relay.start();
        }
      }
    }
  } finally {
    await client.end();
  }
  return sent;
}

async function run({ say, signal }: ProofContext, args: Arguments) {
  const watchdog = new Watchdog();
  const jars = await installFlink({ say, watchdog, signal });
  const stack = await startStack({ say, signal });
  const work = new Workload(args.seed);
  let bridge: Bridge | undefined;
  let ok = false;
  try {
    bridge = await Bridge.create({
      stack,
      schema: work.schema(),
      relays: ['relay'],
      settings: { DIPTYCH_CHANGE_COMPAT: 'debezium' },
    });
    for (const relay of bridge.relays) relay.start();
    const sent = await write(bridge, work, args);
    const caughtUp = await bridge.caughtUp({ timeoutMs: caughtUpTimeoutMs, signal });
    say(`${sent} statements are written, and published: ${caughtUp}`);
    const read = await readTables({
      ...{ bridge, tables: work.tables, jars, watchdog, signal },
      directory: join(bridge.directory, 'flink'),
    });
    ok = caughtUp && read.notes.length === 0;
    return { caughtUp, ...read };
  } finally {
    await bridge?.close({ keepLogs: !ok && !signal.aborted });
    if (bridge && stack.kind === 'external') await bridge.drop();
    await stack.stop();
    await watchdog.finish();
  }
}

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const { json, ...args } = readArguments();
    const startedAt = performance.now();
    const { caughtUp, changes, rows, missing, besides, impossible, notes } = await run(context, {
      ...args,
      json,
    });
    const verdict = {
      ...{ name: 'conformance:flink', args, seed: args.seed, versions: { flink: flinkVersion } },
      seconds: Math.round(performance.now() - startedAt) / 1000,
      figures: { changes, rows, missing, besides, impossible, behind: caughtUp ? 0 : 1 },
      limits: { behind: 0, missing: 0, besides: 0, impossible: 0 },
    };
    return { verdict, json, notes };
  },
});
