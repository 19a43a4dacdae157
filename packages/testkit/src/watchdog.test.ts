import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { present } from '@diptych/runtime/assert';
import { poll } from '@diptych/runtime/poll';
import { expect, test } from 'vitest';
import { lives } from './lives.ts';

/** An owner: starts a server that ignores SIGTERM, says its process id, and waits. */
const owner = `
  import { spawn } from 'node:child_process';
  import { Watchdog } from '${new URL('./watchdog.ts', import.meta.url).href}';
  const watchdog = new Watchdog();
  watchdog.directoryCreated(process.env.DIRECTORY);
  const server = spawn('sh', ['-c', 'trap "" TERM; exec sleep 600'], { detached: true, stdio: 'ignore' });
  watchdog.processStarted(server.pid, 'SIGKILL');
  process.stdout.write(server.pid + ' ' + watchdog.pid + '\\n');
  setInterval(() => undefined, 1000);
`;

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'when %s ends the owner and its group, its server, its directory and the watchdog are gone soon',
  async (signal) => {
    const directory = await mkdtemp(join(tmpdir(), 'diptych-watchdog-'));
    const child = spawn(process.execPath, ['--input-type=module', '--eval', owner], {
      env: { ...process.env, DIRECTORY: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const pids = String(line).split(' ').map(Number);
    expect(pids.every(lives)).toBe(true);
    // As a terminal does on Ctrl-C: to the owner's whole group.
    process.kill(-present(child.pid, 'the owner'), signal);
    expect(pids).toHaveLength(2);
    const gone = async () => {
      const there = await access(directory).then(
        () => true,
        () => false,
      );
      return there || pids.some(lives) ? undefined : true;
    };
    await poll(gone, { what: 'server, directory and watchdog are gone', timeoutMs: 10_000 });
  },
);
