/** The one line that scripts print (docs/wire.md, "What scripts print"). */
import { cpus, totalmem } from 'node:os';
import { stringifyLossless } from './json.ts';

/** A number, numbers by name (`{p50, max}`), a list of what was found, or what it was found with (a mutant). */
export type Figure = number | string | null | Readonly<Record<string, number>> | readonly unknown[];

export interface Verdict {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** What random choices were made from; left out where there are none. */
  readonly seed?: number | null;
  readonly seconds: number;
  /** Besides Node's own: of the servers. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly figures: Readonly<Record<string, Figure>>;
  /** The most that each figure may be, by its path (`takeoverMs.max`); of a list, its length. */
  readonly limits: Readonly<Record<string, number>>;
}

export interface Failure {
  readonly what: string;
  readonly expected: number;
  readonly got: unknown;
}

/** Each figure that is over its limit, or was never taken. */
export function failuresOf({ figures, limits }: Pick<Verdict, 'figures' | 'limits'>): Failure[] {
  return Object.entries(limits).flatMap(([what, limit]) => {
    const got = figureAt(figures, what);
    const amount = Array.isArray(got) ? got.length : got;
    return typeof amount === 'number' && amount <= limit ? [] : [{ what, expected: limit, got: got ?? null }];
  });
}

/**
 * The line, without its newline. `ok` follows from figures and limits alone. Integers of
 * any size are written exactly.
 */
export function verdictLine(verdict: Verdict): string {
  const { name, args, seed = null, seconds, figures, limits } = verdict;
  const failures = failuresOf(verdict);
  const versions = { node: process.versions.node, ...verdict.versions };
  const machine = {
    cpus: cpus().length,
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
  };
  const ok = failures.length === 0;
  return stringifyLossless({ name, ok, seed, args, seconds, versions, machine, figures, limits, failures });
}

/** `{p50, max}` of measured times in whole milliseconds; without any, NaN, which no limit accepts. */
export function spread(timesMs: readonly number[]): { p50: number; max: number } {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (index: number) => Math.round(sorted[index] ?? Number.NaN);
  return { p50: at(Math.ceil(sorted.length / 2) - 1), max: at(sorted.length - 1) };
}

function figureAt(figures: Verdict['figures'], path: string): unknown {
  let node: unknown = figures;
  for (const name of path.split('.')) {
    if (typeof node !== 'object' || node === null) return undefined;
    node = Reflect.get(node, name);
  }
  return node;
}
