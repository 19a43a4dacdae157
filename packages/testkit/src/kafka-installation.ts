import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { access, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '@diptych/runtime/failure';
import { atomically } from './atomically.ts';
import { runCommand } from './command.ts';
import { brokerProperties, createBroker, jvmArguments } from './kafka-broker.ts';
import { freePorts } from './port.ts';
import { type Say, showing } from './progress.ts';
import type { Watchdog } from './watchdog.ts';

const kafkaVersion = '4.3.1';
const pom = fileURLToPath(new URL('../kafka/pom.xml', import.meta.url));
/** Any: each stack is a cluster of its own with a data directory of its own. */
const clusterId = '4L6g3nShT-eMCtK--X86sw';
const downloadTimeoutMs = 15 * 60_000;
const formatTimeoutMs = 60_000;
const staleAfterMs = 24 * 3_600_000;
const manifestName = 'manifest.json';

/** What the broker is started from: all of it in the cache, written once, never changed. */
export interface KafkaInstallation {
  readonly jars: readonly string[];
  /** A formatted log directory to copy: the same bytes would come out of StorageTool, which is one more JVM to wait for. */
  readonly formatted: string;
  /** The JVM's class-data archive: start in 1.3 s instead of 2.2 s. Undefined where this JVM made none. */
  readonly archive: string | undefined;
}

/** Where things fetched once are kept: DIPTYCH_CACHE, else `~/.cache/diptych`. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return env.DIPTYCH_CACHE || join(homedir(), '.cache', 'diptych');
}

/** The folder of the broker's jars. Its name holds the hash of the pom: another pom is another installation. */
export function kafkaHome(cache = cacheDirectory()): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 8);
  return join(cache, `kafka-${kafkaVersion}-${hash}`);
}

/** Names and sizes of the jars, as they were fetched; undefined unless every one of them is there. */
export async function installedJars(home: string): Promise<readonly string[] | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(home, manifestName), 'utf8')) as Record<string, number>;
    const jars = Object.keys(manifest).sort();
    for (const jar of jars) {
      if ((await stat(join(home, 'libs', jar))).size !== manifest[jar]) return undefined;
    }
    return jars.map((jar) => join(home, 'libs', jar));
  } catch {
    return undefined;
  }
}

export interface InstallOptions {
  readonly cache: string;
  readonly java: { readonly command: string; readonly version: string };
  readonly say: Say;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The installation in the cache, fetched and prepared first if need be. Several processes may do so at once: each works
 * in a folder of its own and renames it; the first rename wins. Throws OperatingError `download-failed`.
 */
export async function installKafka(options: InstallOptions): Promise<KafkaInstallation> {
  const { cache, java, say } = options;
  const home = kafkaHome(cache);
  if (!(await installedJars(home))) {
    await makeCache(cache);
    let output = '';
    const work = {
      say,
      what: `fetching Apache Kafka ${kafkaVersion} (about 45 MB)`,
      count: () => transferred(output),
    };
    await showing(work, () => download({ ...options, home, onOutput: (text) => (output += text) }));
  }
  const jars = await installedJars(home);
  if (!jars)
    throw downloadFailed(`${home} is not complete after the download`, `Remove ${home} and try again.`);
  const prepared = join(home, `java-${java.version}`);
  if (!(await exists(join(prepared, 'formatted')))) {
    const work = { say, what: `preparing Apache Kafka ${kafkaVersion} for quick starts (once)` };
    await showing(work, () => prepare({ ...options, jars, prepared }));
  }
  const archive = join(prepared, 'kafka.jsa');
  return {
    jars,
    formatted: join(prepared, 'formatted'),
    archive: (await exists(archive)) ? archive : undefined,
  };
}

/** How far Maven has come, from what it printed: `Downloaded from central: https://… (1.2 MB at 3.4 MB/s)`. */
export function transferred(output: string): string {
  const units: Readonly<Record<string, number>> = { B: 1e-6, kB: 1e-3, MB: 1 };
  let files = 0;
  let megabytes = 0;
  for (const [, name, amount, unit] of output.matchAll(
    /Downloaded from [^ ]+: (\S+) \(([\d.]+) (B|kB|MB)/g,
  )) {
    if (name?.endsWith('.jar')) files += 1;
    megabytes += Number(amount) * (units[unit ?? ''] ?? 0);
  }
  return `${files} jars, ${megabytes.toFixed(0)} MB`;
}

async function makeCache(cache: string): Promise<void> {
  try {
    await mkdir(cache, { recursive: true });
    for (const name of await readdir(cache)) {
      // Left by a download whose process was killed.
      const path = join(cache, name);
      if (name.endsWith('.part') && Date.now() - (await stat(path)).mtimeMs > staleAfterMs) {
        await rm(path, { recursive: true, force: true });
      }
    }
  } catch (cause) {
    throw new OperatingError('prerequisite-missing', `the cache directory ${cache} cannot be written`, {
      remedy: 'Set DIPTYCH_CACHE to a directory that can.',
      cause,
    });
  }
}

async function download(
  options: InstallOptions & { home: string; onOutput: (text: string) => void },
): Promise<void> {
  const { home, watchdog, signal, onOutput } = options;
  await atomically(
    { target: home, watchdog, complete: async () => (await installedJars(home)) !== undefined },
    async (part) => {
      const libs = join(part, 'libs');
      const args = [
        '-B',
        '-f',
        pom,
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${libs}`,
      ];
      const { code, output } = await runCommand({
        command: 'mvn',
        args,
        cwd: part,
        timeoutMs: downloadTimeoutMs,
        watchdog,
        signal,
        onOutput,
      });
      if (code !== 0) {
        const lines = output.split('\n').filter((line) => /ERROR|ENOENT/.test(line));
        throw downloadFailed(
          `Maven could not fetch Apache Kafka\n${lines.slice(0, 5).join('\n')}`.trimEnd(),
          'Check that Maven Central (or the mirror in ~/.m2/settings.xml) is reached, then try again.',
        );
      }
      const manifest: Record<string, number> = {};
      for (const jar of await readdir(libs)) manifest[jar] = (await stat(join(libs, jar))).size;
      await writeFile(join(part, manifestName), JSON.stringify(manifest, undefined, 2));
    },
  );
}

/** Formats a log directory and lets the broker start and stop once, so that the JVM archives the classes it loaded. */
async function prepare(
  options: InstallOptions & { jars: readonly string[]; prepared: string },
): Promise<void> {
  const { java, jars, prepared, watchdog, signal } = options;
  await atomically(
    { target: prepared, watchdog, complete: () => exists(join(prepared, 'formatted')) },
    async (part) => {
      const [port = 0, controllerPort = 0] = await freePorts(2);
      const run = join(part, 'run');
      await mkdir(run);
      const properties = join(run, 'format.properties');
      await writeFile(properties, brokerProperties({ directory: run, port, controllerPort }));
      const { code, output } = await runCommand({
        command: java.command,
        args: [
          ...jvmArguments(jars),
          'kafka.tools.StorageTool',
          'format',
          `--cluster-id=${clusterId}`,
          `--config=${properties}`,
        ],
        timeoutMs: formatTimeoutMs,
        watchdog,
        signal,
      });
      if (code !== 0) {
        throw new OperatingError(
          'server-not-started',
          `Kafka's storage could not be formatted\n${output.trim()}`,
          {
            remedy: `The output says why. Removing ${dirname(prepared)} starts anew.`,
          },
        );
      }
      await copyFiles(join(run, 'data'), join(part, 'formatted'));
      const archive = `-XX:ArchiveClassesAtExit=${join(part, 'kafka.jsa')}`;
      const logFile = join(run, 'kafka.log');
      const broker = await createBroker({
        ...{
          java: java.command,
          jars,
          jvmArguments: [archive],
          directory: run,
          logFile,
          port,
          controllerPort,
        },
        ...{ watchdog, signal },
      });
      await broker.start();
      await broker.stop();
      await rm(run, { recursive: true });
    },
  );
}

/** Copies the few files of a formatted log directory. */
export async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    await writeFile(join(to, name), await readFile(join(from, name)));
  }
}

function downloadFailed(message: string, remedy: string): OperatingError {
  return new OperatingError('download-failed', message, { remedy });
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
