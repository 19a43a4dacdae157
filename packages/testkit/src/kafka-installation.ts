import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OperatingError } from '@diptych/runtime/failure';
import { atomically } from './atomically.ts';
import { runCommand } from './command.ts';
import { brokerProperties, createBroker, jvmArguments } from './kafka-broker.ts';
import { cacheDirectory, fetchByMaven, mavenHome } from './maven.ts';
import { freePorts } from './port.ts';
import { type Say, showing } from './progress.ts';
import type { Watchdog } from './watchdog.ts';

const kafkaVersion = '4.3.1';
const pom = fileURLToPath(new URL('../kafka/pom.xml', import.meta.url));
/** Any: each stack is a cluster of its own with a data directory of its own. */
const clusterId = '4L6g3nShT-eMCtK--X86sw';
const formatTimeoutMs = 60_000;

/** What the broker is started from: all of it in the cache, written once, never changed. */
export interface KafkaInstallation {
  readonly jars: readonly string[];
  /** A formatted log directory to copy: the same bytes would come out of StorageTool, which is one more JVM to wait for. */
  readonly formatted: string;
  /** The JVM's class-data archive: start in 1.3 s instead of 2.2 s. Undefined where this JVM made none. */
  readonly archive: string | undefined;
}

/** The folder of the broker's jars. */
export function kafkaHome(cache = cacheDirectory()): string {
  return mavenHome({ cache, name: `kafka-${kafkaVersion}`, pom });
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
  const jars = await fetchByMaven({
    ...options,
    name: `Apache Kafka ${kafkaVersion}`,
    megabytes: 45,
    pom,
    home,
  });
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

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
