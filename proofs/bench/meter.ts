import { cpuSeconds, peakRssBytes } from './machine.ts';

type Role = 'tool' | 'walsender' | 'broker';

/** Processor time of processes, also of those that have ended since they were looked at last. */
export class Meter {
  readonly #pids: Record<Role, readonly number[]>;
  readonly #seconds = new Map<number, number>();
  peakRssBytes = 0;

  constructor({ tool, broker }: { tool: readonly number[]; broker: readonly number[] }) {
    this.#pids = { tool, broker, walsender: [] };
    this.look();
  }

  add(role: Role, pids: readonly number[]): void {
    this.#pids[role] = pids;
  }

  look(): Record<Role, number> {
    let resident = 0;
    for (const pid of this.#pids.tool) resident += peakRssBytes(pid) ?? 0;
    this.peakRssBytes = Math.max(this.peakRssBytes, resident);
    return { tool: this.#sum('tool'), walsender: this.#sum('walsender'), broker: this.#sum('broker') };
  }

  #sum(role: Role): number {
    let sum = 0;
    for (const pid of this.#pids[role]) {
      const seconds = cpuSeconds(pid) ?? this.#seconds.get(pid) ?? 0;
      this.#seconds.set(pid, seconds);
      sum += seconds;
    }
    return sum;
  }
}
