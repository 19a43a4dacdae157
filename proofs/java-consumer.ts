/**
 * The referee's eyes: Apache Kafka's own console consumer, `read_committed`, from the broker's jars. What it prints is
 * what any consumer that is not ours would get.
 * https://kafka.apache.org/43/operations/basic-kafka-operations/
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { findJava } from '@diptych/testkit/java';
import { kafkaHome } from '@diptych/testkit/kafka-installation';
import { installedJars } from '@diptych/testkit/maven';

/**
 * It ends when nothing came for so long. A busy machine may keep it longer from its first record: a topic that seems to be
 * empty is read once more, with more patience.
 */
const quietMs = { first: 15_000, again: 90_000 } as const;

/** One record as the console consumer prints it. */
export interface PrintedRecord {
  readonly partition: number;
  readonly offset: number;
  /** Name and value, `name:value`, separated by commas. */
  readonly headers: string;
  /** The word `null` for a null key. */
  readonly key: string;
  /** The word `null` for a tombstone; empty when values were not asked for. */
  readonly value: string;
}

export interface ReadOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Without them a million records take a third of the time. */
  readonly values: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every committed record of a topic, in the order of its partitions, from the beginning. Throws OperatingError when Java or
 * the jars are missing or the consumer fails.
 */
export async function* readCommitted(options: ReadOptions): AsyncGenerator<PrintedRecord> {
  let isEmpty = true;
  for await (const record of readOnce(options, quietMs.first)) {
    isEmpty = false;
    yield record;
  }
  if (isEmpty) yield* readOnce(options, quietMs.again);
}

async function* readOnce(options: ReadOptions, timeoutMs: number): AsyncGenerator<PrintedRecord> {
  const child = await start(options, timeoutMs);
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
    complaint = (complaint + piece).slice(-4000);
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  try {
    for await (const line of createInterface({ input: present(child.stdout, 'its output') })) {
      const record = parsePrinted(line);
      if (record) yield record;
    }
    const [code] = await exited;
    // It ends by its own time limit, which it says on standard error.
    if (code !== 0 && !complaint.includes('TimeoutException'))
      throw failed(`reading ${options.topic}`, complaint);
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  }
}

const pattern = /^Partition:(\d+)\tOffset:(\d+)\t([^\t]*)\t([^\t]*)(?:\t(.*))?$/;

/** Undefined for a line that is no record: the consumer's last words. */
export function parsePrinted(line: string): PrintedRecord | undefined {
  const match = pattern.exec(line);
  if (!match) return undefined;
  const [, partition, offset, headers = '', key = '', value = ''] = match;
  return { partition: Number(partition), offset: Number(offset), headers, key, value };
}

/** Every topic of the cluster, by Kafka's own tool. Throws OperatingError as `readCommitted` does. */
export async function listTopics({
  brokers,
  signal,
}: Pick<ReadOptions, 'brokers' | 'signal'>): Promise<string[]> {
  const child = await startTool('org.apache.kafka.tools.TopicCommand', {
    toolArguments: ['--bootstrap-server', brokers.join(','), '--list'],
    signal,
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const [output, complaint] = await Promise.all([
    text(present(child.stdout, 'its output')),
    text(present(child.stderr, 'its complaints')),
  ]);
  const [code] = await exited;
  if (code !== 0) throw failed('the list of topics', complaint);
  return output.split('\n').filter((line) => line !== '');
}

function start({ brokers, topic, values, signal }: ReadOptions, timeoutMs: number): Promise<ChildProcess> {
  const print = { partition: true, offset: true, headers: true, key: true, value: values };
  return startTool('org.apache.kafka.tools.consumer.ConsoleConsumer', {
    toolArguments: [
      ...['--bootstrap-server', brokers.join(','), '--topic', topic, '--from-beginning'],
      ...['--timeout-ms', String(timeoutMs), '--isolation-level', 'read_committed'],
      ...Object.entries(print).flatMap(([what, on]) => ['--formatter-property', `print.${what}=${on}`]),
    ],
    signal,
  });
}

/** One of the tools in the broker's jars. */
async function startTool(
  mainClass: string,
  { toolArguments, signal }: { toolArguments: readonly string[]; signal: AbortSignal | undefined },
): Promise<ChildProcess> {
  const java = await findJava();
  const jars = await installedJars(kafkaHome());
  if (java.tag === 'missing' || !jars) {
    throw new OperatingError('prerequisite-missing', 'the referee is Java’s console consumer', {
      remedy: 'Run with DIPTYCH_STACK=embedded once: it fetches the jars; Java 17 or newer is needed.',
    });
  }
  const javaArguments = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', jars.join(':')];
  return spawn(java.command, [...javaArguments, mainClass, ...toolArguments], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal && { signal, killSignal: 'SIGKILL' as const }),
  });
}

const failed = (what: string, complaint: string): OperatingError =>
  new OperatingError('kafka-unreachable', `Kafka’s tool for ${what} failed\n${complaint.trim()}`, {
    remedy: 'Its output says why.',
  });
