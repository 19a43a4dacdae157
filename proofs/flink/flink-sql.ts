/**
 * Apache Flink's SQL in one JVM: a script goes in, the changelog of its SELECTs comes out.
 * https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/dev/table/overview/
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { present } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { findJava } from '@diptych/testkit/java';
import { cacheDirectory, fetchByMaven, mavenHome } from '@diptych/testkit/maven';
import type { Say } from '@diptych/testkit/progress';
import type { Watchdog } from '@diptych/testkit/watchdog';

export const flinkVersion = '2.2.0';

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The JVM may have so much heap, in mebibytes: three small jobs at a time, and state of some thousand rows. */
const heapMebibytes = 768;

/** What Flink opens of the JVM: `env.java.opts.all` in its own config.yaml. */
const opened = ['java.lang', 'java.net', 'java.io', 'java.nio', 'sun.nio.ch', 'java.time', 'java.util']
  .concat(['java.lang.reflect', 'java.text', 'java.util.concurrent', 'java.util.concurrent.atomic'])
  .map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);

/** Flink's jars, fetched first if need be. Throws OperatingError `download-failed`, `prerequisite-missing`. */
export async function installFlink(options: {
  readonly say: Say;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}): Promise<readonly string[]> {
  const cache = cacheDirectory();
  const pom = fileOf('./pom.xml');
  const home = mavenHome({ cache, name: `flink-${flinkVersion}`, pom });
  return await fetchByMaven({
    ...options,
    ...{ name: `Apache Flink ${flinkVersion}`, megabytes: 134, pom, home, cache },
  });
}

/** One change of the result of a SELECT; of the last one of each, `end`, when its sources are bounded. */
export interface FlinkChange {
  /** Which SELECT of the script, from 0. */
  readonly query: number;
  /** Insert, update before and after, delete: https://nightlies.apache.org/flink/flink-docs-release-2.2/docs/concepts/sql-table-concepts/changelogs/ */
  readonly kind: '+I' | '-U' | '+U' | '-D' | 'end';
  /** Each value as Java writes it; bytes hexadecimal. */
  readonly row: readonly FlinkValue[];
}

export type FlinkValue = string | null | readonly FlinkValue[];

export interface FlinkScript {
  readonly jars: readonly string[];
  /** One after the other; a SELECT ends before the next begins. */
  readonly statements: readonly string[];
  /** Flink's own, such as `table.exec.state.ttl`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The script and Flink's temporary files are written there. */
  readonly directory: string;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the script. Whoever stops reading ends Flink. Throws OperatingError `prerequisite-missing`, or `server-not-started`
 * with Flink's own words when it fails.
 */
export async function* runFlink(script: FlinkScript): AsyncGenerator<FlinkChange> {
  const child = await start(script);
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-6000);
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  try {
    for await (const line of createInterface({ input: present(child.stdout, 'its output') })) {
      if (line.startsWith('{"query"')) yield JSON.parse(line) as FlinkChange;
    }
    const [code] = await exited;
    script.signal?.throwIfAborted();
    if (code !== 0) {
      throw new OperatingError('server-not-started', `Flink failed (exit ${code})\n${complaint.trim()}`, {
        remedy: 'Its output says why.',
      });
    }
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  }
}

async function start({
  jars,
  statements,
  settings = {},
  directory,
  watchdog,
}: FlinkScript): Promise<ChildProcess> {
  const java = await findJava();
  if (java.tag === 'missing') {
    throw new OperatingError('prerequisite-missing', `Flink needs Java: ${java.why}`, {
      remedy: 'apt-get install openjdk-17-jdk-headless',
    });
  }
  const temporary = join(directory, 'tmp');
  await mkdir(temporary, { recursive: true });
  const file = join(directory, 'script.sql');
  await writeFile(file, statements.join('\n;\n'));
  const set = { 'parallelism.default': '1', 'io.tmp.dirs': temporary, ...settings };
  const memory = ['-Xms64m', `-Xmx${heapMebibytes}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const child = spawn(
    java.command,
    [
      ...memory,
      ...opened,
      `-Djava.io.tmpdir=${temporary}`,
      `-Dlog4j2.configurationFile=${fileOf('./log4j2.properties')}`,
      ...['-cp', jars.join(':'), fileOf('./FlinkSql.java'), file],
      ...Object.entries(set).map(([name, value]) => `${name}=${value}`),
    ],
    // Ctrl-C goes to us, and we end it.
    { stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  const pid = present(child.pid, 'the process of Flink');
  watchdog.processStarted(pid, 'SIGKILL');
  child.once('exit', () => watchdog.processEnded(pid));
  return child;
}
