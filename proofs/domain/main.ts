/** `npm run prove:domain`: docs/prove.md. */
import { parseArgs } from 'node:util';
import { number, runProof } from '../arguments.ts';
import { flinkVersion } from '../flink/flink-sql.ts';
import { proveDomain } from './domain.ts';
import { countedOf } from './figures.ts';
import { killsMin } from './kills.ts';

const usage = `
npm run prove:domain -- [--seed N] [--events N] [--kills N] [--flink] [--json]
  --seed    what shoppers, moments and victims are drawn from (default: drawn)
  --events  told by both carts together (default 5000)
  --kills   of relay, consumers and broker together (default: one for 2500 events, at least ${killsMin})
  --flink   let Apache Flink make the view of docs/streaming-sql.md too, and compare it`;

const eventsOfKill = 2500;
const eventsMin = 1000;

function readArguments() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      events: { type: 'string', default: '5000' },
      kills: { type: 'string' },
      flink: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const events = number(values.events, { option: 'events', min: eventsMin, max: 10_000_000 });
  const killsDefault = Math.max(killsMin, Math.ceil(events / eventsOfKill));
  return {
    seed: number(values.seed, { option: 'seed', min: 0, max: 2 ** 32 }),
    events,
    kills: number(values.kills ?? String(killsDefault), { option: 'kills', min: killsMin, max: 10_000 }),
    flink: values.flink,
    json: values.json,
  };
}

process.exitCode = await runProof({
  usage,
  prove: async (context) => {
    const args = readArguments();
    const startedAt = performance.now();
    context.say(`seed ${args.seed}`);
    const outcome = await proveDomain({ ...args, ...context });
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    const notes = [
      ...outcome.notes,
      ...outcome.exits.map(
        ({ name, code, lastLine }) => `${name} ended by itself (exit ${code}): ${lastLine}`,
      ),
    ];
    const { seed, json, ...asked } = args;
    const verdict = {
      ...{ name: 'domain', seed, seconds, args: asked, ...countedOf(outcome, asked) },
      versions: { postgres: '18.4', kafka: '4.3.1', ...(asked.flink ? { flink: flinkVersion } : {}) },
    };
    return { verdict, json, notes };
  },
});
