import { readFileSync } from 'node:fs';

/**
 * Whether a process runs. One that has ended but was not waited for by its parent does not: where nothing plays init (a
 * container without `--init`) it would count as alive for ever.
 */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // The state follows the name, which is in parentheses: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // No /proc here (macOS), or the process ended just now: the next look tells.
    return true;
  }
}
