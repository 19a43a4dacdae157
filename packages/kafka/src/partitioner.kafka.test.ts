/** Java's own producer chooses the partitions of many keys: ours must be the same for every one. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { testBrokers, testPrefix } from '@diptych/testkit/for-tests';
import { findJava } from '@diptych/testkit/java';
import { kafkaHome } from '@diptych/testkit/kafka-installation';
import { installedJars } from '@diptych/testkit/maven';
import { expect, test } from 'vitest';
import { readToEnd } from './partition-reader.ts';
import { partitionOf } from './partitioner.ts';
import { ensureTopics } from './topics.ts';

/** A prime, and more than a hash's lowest bits: another arithmetic would not give the same remainder by luck. */
const partitions = 37;
const keyCount = 4000;

/** The console producer reads lines: what ends a line, and what separates key and value, cannot be in a key. */
const separator = '\t';
const unprintable = /[\t\n\r]/g;

/** Letters of all planes, random text of every length up to 70, long ones, an empty one. */
function keys(): string[] {
  const random = Array.from({ length: keyCount }, (_, index) => {
    const bytes = randomBytes(index % 71);
    // Every code point up to U+00FF, as one or two bytes of UTF-8; every third as it would come in Chinese.
    return bytes
      .toString('latin1')
      .replace(/./gu, (letter) =>
        index % 3 === 0 ? String.fromCodePoint(0x4e00 + letter.charCodeAt(0)) : letter,
      );
  });
  const chosen = [
    '',
    '0',
    'cart-1',
    'žluťoučký kůň',
    '🐎',
    '🐎🐎 ',
    '{"id":1}',
    'x'.repeat(100_000),
    'é'.repeat(33_333),
  ];
  return [...chosen, ...random].map((key) => key.replace(unprintable, '_'));
}

/** Java's console producer from the broker's jars: the default partitioner of the Java client, by its own code. */
async function produceByJava(topic: string, wanted: readonly string[]): Promise<void> {
  const java = await findJava();
  const jars = await installedJars(kafkaHome());
  if (java.tag === 'missing' || !jars) throw new Error('this test needs Java and the broker’s jars');
  const child = spawn(
    java.command,
    [
      ...[
        '-Xmx192m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-Dfile.encoding=UTF-8',
        '-cp',
        jars.join(':'),
      ],
      'org.apache.kafka.tools.ConsoleProducer',
      ...['--bootstrap-server', testBrokers().join(','), '--topic', topic],
      ...['--reader-property', 'parse.key=true', '--reader-property', `key.separator=${separator}`],
    ],
    { stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  child.stdin.end(wanted.map((key, index) => `${key}${separator}${index}\n`).join(''));
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(complaint).toBe('');
  expect(code).toBe(0);
}

test('every key goes where Java’s own producer puts it: empty, long, of every script', {
  timeout: 120_000,
}, async () => {
  const topic = `${testPrefix()}.topic`;
  await ensureTopics({ brokers: testBrokers(), specs: [{ name: topic, partitions, config: {} }] });
  const wanted = keys();
  await produceByJava(topic, wanted);
  const differences: string[] = [];
  const seen = new Set<number>();
  for await (const { key, value, partition } of readToEnd({ brokers: testBrokers(), topics: [topic] })) {
    const index = Number(value);
    seen.add(index);
    if (key === null || String(key) !== wanted[index]) throw new Error(`Java wrote another key: ${index}`);
    const ours = partitionOf(key, partitions);
    if (ours !== partition) differences.push(`${wanted[index]?.slice(0, 40)}: ${ours}, Java ${partition}`);
  }
  expect(seen.size).toBe(wanted.length);
  expect(differences).toEqual([]);
});
