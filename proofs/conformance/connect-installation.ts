/** Kafka Connect's jars and Debezium's plugin, from Maven Central, in the cache of the embedded stack. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDirectory, fetchByMaven, mavenHome } from '@diptych/testkit/maven';
import type { Say } from '@diptych/testkit/progress';
import type { Watchdog } from '@diptych/testkit/watchdog';

export const connectVersion = '4.3.1';
export const debeziumVersion = '3.7.0.Final';
const pom = fileURLToPath(new URL('./connect/pom.xml', import.meta.url));

export interface ConnectInstallation {
  readonly jars: readonly string[];
  /** `plugin.path` of the worker. */
  readonly plugins: string;
}

/** The installation, fetched first if need be. Throws OperatingError `download-failed`, `prerequisite-missing`. */
export async function installConnect(options: {
  readonly say: Say;
  readonly watchdog: Watchdog;
  readonly signal?: AbortSignal | undefined;
}): Promise<ConnectInstallation> {
  const cache = cacheDirectory();
  const home = mavenHome({ cache, name: `debezium-${debeziumVersion}`, pom });
  const jars = await fetchByMaven({
    ...options,
    ...{ name: `Debezium ${debeziumVersion} and Kafka Connect ${connectVersion}`, megabytes: 45 },
    ...{ pom, home, cache },
    goals: (part) => ['dependency:unpack', `-Dpart=${part}`, `-DoutputDirectory=${join(part, 'plugins')}`],
  });
  return { jars, plugins: join(home, 'plugins') };
}
