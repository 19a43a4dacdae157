/** `proofs/flink/current-carts.sql` on the topic of a run: what its view has in the end, and whether that is what we have. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureTopics } from '@diptych/kafka/topics';
import { assert } from '@diptych/runtime/assert';
import type { Bridge } from '../bridge.ts';
import { runFlink } from '../flink/flink-sql.ts';
import { readCommitted } from '../java-consumer.ts';

const scriptFile = new URL('../flink/current-carts.sql', import.meta.url);
const viewPartitions = 2;

/** A product in an open cart. */
export interface CartLine {
  readonly cart_id: number;
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly unit_price: string;
}

export interface FlinkView {
  /** Lines of open carts that Flink has, by cart and product. */
  readonly lines: ReadonlyMap<string, string>;
  /** Records that it wrote, tombstones included. */
  readonly records: number;
}

/** The statements of a script, each without its comments. */
export function statementsOf(script: string): string[] {
  const sql = script.replace(/^\s*--.*\n/gm, '');
  return sql
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** The script with other values of its options. Asserts that each of them was there. */
export function withOptions(script: string, options: Readonly<Record<string, string>>): string {
  let text = script;
  for (const [before, after] of Object.entries(options)) {
    assert(text.includes(before), `the script has ${before}`);
    text = text.replaceAll(before, after);
  }
  return text;
}

/** Runs the script until it has read what the domain topic holds now. Throws as `runFlink` does. */
export async function runView(
  bridge: Bridge,
  { jars, signal }: { jars: readonly string[]; signal: AbortSignal },
): Promise<FlinkView> {
  const topic = `${bridge.prefix}.current-carts`;
  const spec = { name: topic, partitions: viewPartitions, config: { 'cleanup.policy': 'compact' } };
  await ensureTopics({ brokers: bridge.brokers, specs: [spec] });
  const script = withOptions(await readFile(scriptFile, 'utf8'), {
    "'outbox.event.cart'": `'${bridge.domainTopic('cart')}'`,
    "'current-carts'": `'${topic}'`,
    "'localhost:9092'": `'${bridge.brokers.join(',')}'`,
    "'scan.startup.mode' = 'earliest-offset'":
      "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset'",
  });
  const { watchdog } = bridge;
  const directory = join(bridge.directory, 'flink');
  const changes = runFlink({ jars, statements: statementsOf(script), directory, watchdog, signal });
  // An INSERT says nothing.
  for await (const _ of changes);
  const lines = new Map<string, string>();
  let records = 0;
  for await (const { key, value } of readCommitted({
    brokers: bridge.brokers,
    topic,
    values: true,
    signal,
  })) {
    records += 1;
    if (value === 'null') lines.delete(keyOf(JSON.parse(key)));
    else lines.set(keyOf(JSON.parse(key)), textOf(JSON.parse(value)));
  }
  return { lines, records };
}

/** Lines that the one has and the other has not, or otherwise. */
export function differences(view: FlinkView['lines'], ours: readonly CartLine[]): string[] {
  const expected = new Map(ours.map((line) => [keyOf(line), textOf(line)]));
  const keys = new Set([...view.keys(), ...expected.keys()]);
  return [...keys].flatMap((key) => {
    const [flink, own] = [view.get(key), expected.get(key)];
    return flink === own ? [] : [`${key}: Flink has ${flink ?? 'nothing'}, we ${own ?? 'nothing'}`];
  });
}

const keyOf = ({ cart_id, sku }: Pick<CartLine, 'cart_id' | 'sku'>): string => `cart ${cart_id}, ${sku}`;

/** `1.50` and `1.5` are one price. */
const textOf = ({ name, quantity, unit_price }: CartLine): string =>
  JSON.stringify([name, quantity, Number(unit_price).toFixed(2)]);
