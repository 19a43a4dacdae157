/** `rebuild <name>`: asks the running service for it, and shows how far it is until it is live. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import { z } from 'zod';

export interface RebuildOptions {
  /** Of the running service. */
  readonly url: string;
  readonly name: string;
  /** A terminal gets a line that is written over and over; anything else one line at the end. */
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Aborts on Ctrl-C: the rebuild goes on without us. */
  readonly signal: AbortSignal;
}

const statusSchema = z.object({
  generation: z.number(),
  rebuild: z
    .object({ generation: z.number(), passed: z.number(), of: z.number(), parked: z.number() })
    .nullable(),
});
type Status = z.infer<typeof statusSchema>;

const lookMs = 250;
/** The service may be started anew meanwhile; whoever starts it goes on with the rebuild. */
const awayMsMax = 60_000;
const answerTimeoutMs = 10_000;

/**
 * Rebuilds, and returns when the rebuilt one is live. Throws OperatingError `projection-rebuild-refused` when the service
 * refuses, when somebody cancels it, or when the service does not answer for a minute.
 */
export async function rebuild({ url, name, out, signal }: RebuildOptions): Promise<void> {
  const path = `${url}/projections/${encodeURIComponent(name)}`;
  const { generation } = z.object({ generation: z.number() }).parse(await send(path, { method: 'POST' }));
  const beganAt = performance.now();
  let answeredAt = beganAt;
  const line = new ProgressLine(out);
  for (;;) {
    await sleep(lookMs, undefined, { signal });
    const status = await look(path);
    if (status) answeredAt = performance.now();
    else if (performance.now() - answeredAt > awayMsMax) throw notAnswered(url);
    if (!status) continue;
    const isBuilding = status.rebuild?.generation === generation;
    if (status.rebuild && isBuilding) line.show(name, { ...status.rebuild, ms: performance.now() - beganAt });
    if (isBuilding) continue;
    line.end();
    // A later one may have taken its place already.
    if (status.generation < generation) throw refused(`the rebuild of ${name} was cancelled`);
    const seconds = ((performance.now() - beganAt) / 1_000).toFixed(1);
    out.write(`${name} is rebuilt: generation ${generation} is live after ${seconds} s\n`);
    return;
  }
}

/** undefined when the service does not answer, or cannot. */
async function look(path: string): Promise<Status | undefined> {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(answerTimeoutMs) });
    return response.ok ? statusSchema.parse(await response.json()) : undefined;
  } catch (error) {
    if (error instanceof z.ZodError) throw error;
    return undefined;
  }
}

async function send(path: string, { method }: { method: 'POST' }): Promise<unknown> {
  const response = await fetch(`${path}/rebuild`, {
    method,
    signal: AbortSignal.timeout(answerTimeoutMs),
  }).catch(() => null);
  if (!response) throw notAnswered(new URL(path).origin);
  if (response.ok) return await response.json();
  const { title = `HTTP ${response.status}` } = (await response.json().catch(() => ({}))) as {
    title?: string;
  };
  throw refused(title);
}

function refused(why: string): OperatingError {
  return new OperatingError('projection-rebuild-refused', why, {
    remedy: 'GET /projections names them, and says what is being rebuilt; nothing was changed.',
  });
}

function notAnswered(url: string): OperatingError {
  return new OperatingError('projection-rebuild-refused', `the projections at ${url} do not answer`, {
    remedy: 'Start the service, or name it by --url; what was begun goes on when it runs.',
  });
}

/** How far it is, on one line of a terminal. */
class ProgressLine {
  readonly #out: RebuildOptions['out'];
  #isShown = false;

  constructor(out: RebuildOptions['out']) {
    this.#out = out;
  }

  show(
    name: string,
    { passed, of, parked, ms }: { passed: number; of: number; parked: number; ms: number },
  ): void {
    if (!this.#out.isTTY) return;
    this.#isShown = true;
    const percent = of === 0 ? 100 : Math.floor((100 * passed) / of);
    const perSecond = Math.round((1_000 * passed) / ms);
    const waits = parked === 0 ? '' : `, waits for a decision about ${parked} parked events`;
    this.#out.write(`\r\u001b[K${name}  ${percent} %  ${passed} of ${of} records, ${perSecond}/s${waits}`);
  }

  end(): void {
    if (this.#isShown) this.#out.write('\r\u001b[K');
  }
}
