/** The one line that scripts print (docs/wire.md, "What scripts print"). */
import { cpus, totalmem } from 'node:os';
import { stringifyLossless } from '@diptych/kafka/json';

export interface Failure {
  readonly what: string;
  readonly expected: unknown;
  readonly got: unknown;
}

export interface Verdict {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** What random choices were made from; left out where there are none. */
  readonly seed?: number;
  readonly seconds: number;
  /** A number, or a list of what was found. */
  readonly figures: Readonly<Record<string, number | readonly unknown[]>>;
  /** The most that each of the named figures may be; of a list, its length. */
  readonly limits: Readonly<Record<string, number>>;
}

/** Each figure that is over its limit. */
export function failuresOf({ figures, limits }: Pick<Verdict, 'figures' | 'limits'>): Failure[] {
  return Object.entries(limits).flatMap(([what, limit]) => {
    const got = figures[what] ?? Number.NaN;
    const amount = typeof got === 'number' ? got : got.length;
    return amount <= limit ? [] : [{ what, expected: limit, got }];
  });
}

/** The line, without its newline. `ok` follows from figures and limits alone. */
export function verdictLine({ name, args, seed, seconds, figures, limits }: Verdict): string {
  const failures = failuresOf({ figures, limits });
  const versions = { node: process.versions.node };
  const machine = {
    cpus: cpus().length,
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
  };
  const ok = failures.length === 0;
  return stringifyLossless({
    name,
    ok,
    seed: seed ?? null,
    args,
    seconds,
    versions,
    machine,
    figures,
    limits,
    failures,
  });
}
