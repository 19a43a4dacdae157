/**
 * How Node is started for a relay and for the comparison's engine; each `main.ts` names the same in its first line. By itself V8
 * takes what a machine has: on 24 GiB a transaction of a million rows left 665 MB resident, nearly all of it garbage that
 * nobody had asked for yet. None of this is a bound that a process could run into: the young generation is collected more often,
 * the old one when it has grown by so much. What it costs and saves: docs/decisions/0044-short-way.md.
 */

/**
 * Of a relay. What waits for Kafka is a few large objects, old ones: the old generation may be collected often, and of the young one
 * so little is left that a second thread for it is woken for nothing, which took a twentieth of a drain's processor time. Of V8's two
 * optimising compilers the quick one is left out: what it has begun for hundreds of functions at once, in the first half second of a
 * backlog, waits in up to 30 MB, which malloc keeps; with the thorough one alone a drain takes the same time.
 */
export const nodeArguments: readonly string[] = [
  '--max-semi-space-size=4',
  '--heap-growing-percent=30',
  '--no-parallel-scavenge',
  '--no-maglev',
];

/** Of the comparison's engine, which keeps what it has found: there growing by a fifth is much. */
export const engineArguments: readonly string[] = ['--max-semi-space-size=4', '--heap-growing-percent=20'];

/**
 * glibc gives each thread of Node a heap of its own for what is outside V8's, and what is freed in one is not used by
 * another: with one heap what the engine has resident at its peak is some 30 MB less, in the same time.
 * https://www.gnu.org/software/libc/manual/html_node/Memory-Allocation-Tunables.html
 * The native checksum brings mimalloc, which has the kernel give it 2 MB at once for the few bytes that it needs.
 * https://microsoft.github.io/mimalloc/environment.html
 */
export const nodeEnvironment: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MIMALLOC_ALLOW_THP: '0',
};

/** The first line of a `main.ts` whose Node has these arguments. */
export function shebang(given: readonly string[]): string {
  const environment = Object.entries(nodeEnvironment).map(([name, value]) => `${name}=${value}`);
  return ['#!/usr/bin/env -S', ...environment, 'node', ...given].join(' ');
}
