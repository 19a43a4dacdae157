/**
 * The watchdog: its standard input is a pipe from the process that owns the servers. When that pipe closes without a
 * `finish` – the owner was killed, crashed or forgot – it ends the servers and removes their directory. It lives in a
 * session of its own, so that neither Ctrl-C nor a signal to the owner's group reaches it.
 */
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { lives } from './lives.ts';
import type { WatchdogOrder } from './watchdog.ts';

/** Postgres ends at once on SIGQUIT and frees its shared memory, which SIGKILL would leave behind: so a grace first. */
const graceMs = 3_000;
/** A server that is just dying may still write a file into a directory that is being removed. */
const removalAttemptsMax = 50;
const intervalMs = 100;

const processes = new Map<number, NodeJS.Signals>();
const directories = new Set<string>();

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

async function endProcesses(): Promise<void> {
  for (const [pid, name] of processes) signal(pid, name);
  const deadline = performance.now() + graceMs;
  while ([...processes.keys()].some((pid) => lives(pid)) && performance.now() < deadline)
    await sleep(intervalMs);
  for (const pid of processes.keys()) signal(pid, 'SIGKILL');
}

async function removeDirectories(): Promise<void> {
  for (const directory of directories) {
    await rm(directory, {
      recursive: true,
      force: true,
      maxRetries: removalAttemptsMax,
      retryDelay: intervalMs,
    });
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => undefined);
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as WatchdogOrder;
  switch (order.tag) {
    case 'process-started':
      processes.set(order.pid, order.signal);
      break;
    case 'process-ended':
      processes.delete(order.pid);
      break;
    case 'directory-created':
      directories.add(order.path);
      break;
    case 'finish':
      process.exit(0);
  }
}
await endProcesses();
await removeDirectories();
process.exit(0);
