/**
 * What the kernel knows of processes and of the machine. Linux only.
 * https://man7.org/linux/man-pages/man5/proc_stat.5.html
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** USER_HZ, in which /proc counts; 100 on every platform of Linux that Node runs on. */
const ticksPerSecond = 100;

interface ProcessStat {
  readonly parent: number;
  /** Its own, user and system. */
  readonly ticks: number;
  /** Of its children that have ended and were waited for, and of theirs. */
  readonly endedTicks: number;
}

/** Processor time of a process, user and system, in seconds; null when it has gone. */
export function cpuSeconds(pid: number): number | null {
  const stat = statOf(pid);
  return stat && stat.ticks / ticksPerSecond;
}

/** A process that takes less than this within the interval has nothing to do. */
const restSeconds = 0.03;
const restIntervalMs = 500;
const restTimeoutMs = 15_000;

/**
 * Waits until a process has nothing left to do, 15 s at most. What one drain leaves to the broker is not the next one's: while both
 * processors are busy its compilers hardly come to their turn, and still had work after ten drains in a row.
 */
export async function untilAtRest(pid: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + restTimeoutMs;
  let before = Number.NEGATIVE_INFINITY;
  for (;;) {
    const seconds = cpuSeconds(pid) ?? 0;
    if (seconds - before < restSeconds || performance.now() > deadline) return;
    before = seconds;
    await sleep(restIntervalMs, undefined, { signal });
  }
}

/** The most memory that a process had resident, in bytes; null when it has gone. */
export function peakRssBytes(pid: number): number | null {
  const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`) ?? '')?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}

/** Processor time of this process and of all that descend from it, ended ones too, in seconds. */
export function ownCpuSeconds(): number {
  const processes = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat) processes.set(Number(name), stat);
  }
  const isOurs = (pid: number): boolean => {
    for (let at = pid; at > 1; at = processes.get(at)?.parent ?? 0) if (at === process.pid) return true;
    return false;
  };
  let ticks = 0;
  for (const [pid, stat] of processes) if (isOurs(pid)) ticks += stat.ticks + stat.endedTicks;
  return ticks / ticksPerSecond;
}

export interface MachineTime {
  /** Of all processors together, used or not, in seconds. */
  readonly allSeconds: number;
  /**
   * In processes, and taken away by the hypervisor. Without interrupts: what loopback costs beyond the processes is counted
   * there, and is nobody else's.
   */
  readonly busySeconds: number;
}

export function machineTime(): MachineTime {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + steal;
  return {
    allSeconds: (busy + idle + wait + irq + softirq) / ticksPerSecond,
    busySeconds: busy / ticksPerSecond,
  };
}

/** How much of the machine others took while something was measured. */
export class Others {
  #othersSeconds = 0;
  #allSeconds = 0;

  /** Of all that was measured; 0 before. */
  get share(): number {
    return this.#allSeconds === 0 ? 0 : this.#othersSeconds / this.#allSeconds;
  }

  /** Looks at the machine while `work` runs. */
  async during<T>(work: () => Promise<T>): Promise<{ result: T; share: number }> {
    const [machine, own] = [machineTime(), ownCpuSeconds()];
    const result = await work();
    const [machineAfter, ownAfter] = [machineTime(), ownCpuSeconds()];
    const all = machineAfter.allSeconds - machine.allSeconds;
    const others = Math.max(0, machineAfter.busySeconds - machine.busySeconds - (ownAfter - own));
    this.#othersSeconds += others;
    this.#allSeconds += all;
    return { result, share: others / all };
  }
}

function statOf(pid: number): ProcessStat | null {
  const text = textOf(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The name in parentheses may hold anything. What follows begins with the third field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return { parent: field(4), ticks: field(14) + field(15), endedTicks: field(16) + field(17) };
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
