import { join } from 'node:path';
import { commandOnPath, runCommand } from './command.ts';

/** Kafka 4.3's broker needs it: https://kafka.apache.org/43/operations/java-version/ */
export const javaMajorMin = 17;
const versionTimeoutMs = 10_000;

export type Java =
  | { readonly tag: 'found'; readonly command: string; readonly version: string }
  | { readonly tag: 'missing'; readonly why: string };

/** The version that `java -version` prints, with its major number: `17.0.15` is 17, `1.8.0_392` is 8. */
export function parseJavaVersion(output: string): { version: string; major: number } | undefined {
  const version = /version "([^"]+)"/.exec(output)?.[1];
  const numbers = /^(?:1\.)?(\d+)/.exec(version ?? '');
  return version !== undefined && numbers ? { version, major: Number(numbers[1]) } : undefined;
}

/** The Java of JAVA_HOME, else of PATH, if it is new enough. */
export async function findJava(env: NodeJS.ProcessEnv = process.env): Promise<Java> {
  const command = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : await commandOnPath('java', env.PATH);
  if (command === undefined) return { tag: 'missing', why: `no java on PATH and no JAVA_HOME` };
  const { output } = await runCommand({ command, args: ['-version'], timeoutMs: versionTimeoutMs });
  const found = parseJavaVersion(output);
  if (!found) return { tag: 'missing', why: `${command} does not tell its version` };
  if (found.major < javaMajorMin) return { tag: 'missing', why: `${command} is Java ${found.version}` };
  return { tag: 'found', command, version: found.version };
}
