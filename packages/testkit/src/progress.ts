/**
 * Says one line to whoever waits. A `moving` line replaces the moving line before it (a count while something is
 * fetched); whoever cannot overwrite a line ignores it.
 */
export type Say = (line: string, kind?: 'moving') => void;

/** Nothing is shown before this: shorter waits need no explanation. */
const quietMs = 2_000;
const movingIntervalMs = 500;
const clearLine = '\r\u001b[2K';

/** Says lines to a stream: on a terminal moving lines overwrite each other, elsewhere (CI) they are left out. */
export function sayTo(stream: { isTTY?: boolean; write(text: string): unknown }): Say {
  if (!stream.isTTY) {
    return (line, kind) => {
      if (kind !== 'moving') stream.write(`${line}\n`);
    };
  }
  return (line, kind) => stream.write(kind === 'moving' ? `${clearLine}${line}` : `${clearLine}${line}\n`);
}

export interface Shown {
  readonly say: Say;
  /** What is being done, as the line begins: `fetching Kafka 4.3.1`. */
  readonly what: string;
  /** How far it has come: `23 jars, 21 MB`. */
  readonly count?: () => string;
}

/** Does the work; when it takes more than two seconds it is said what is waited for, then how far it is, then how long it took. */
export async function showing<T>({ say, what, count }: Shown, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  let shown = false;
  const timer = setInterval(() => {
    if (performance.now() - startedAt < quietMs) return;
    if (!shown) say(`${what} …`);
    shown = true;
    if (count) say(`${what}: ${count()}`, 'moving');
  }, movingIntervalMs);
  try {
    const result = await work();
    if (shown) say(`${what}: done in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
