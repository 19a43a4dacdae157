/** The console as a process of its own, so that it can be killed like one; and a reader of its events. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LiveEvent, Position, TimelineItem } from '@diptych/compare/console-api';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

export class ConsoleProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** Waits until it says where it listens. */
  static async start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<ConsoleProcess> {
    const child = spawn(process.execPath, [main, 'console', '--port', '0', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DIPTYCH_LOG_LEVEL: 'error', ...environment },
    });
    let said = '';
    for await (const chunk of child.stdout ?? []) {
      said += String(chunk);
      if (said.includes('\n')) return new ConsoleProcess(said.trim(), child);
    }
    throw new Error(`the console ended: ${said}`);
  }

  async json<Answer>(path: string): Promise<Answer> {
    const answer = await fetch(this.url + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await once(this.#child, 'exit');
  }
}

/** Events as they come, until the signal aborts or the server ends; `Last-Event-ID` is what a browser would send. */
export async function* liveEvents(
  url: string,
  { lastEventId, signal }: { lastEventId?: Position; signal: AbortSignal },
): AsyncGenerator<LiveEvent & { readonly id: string | null }, void, undefined> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const answer = await fetch(url, { headers, signal });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  let text = '';
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
      );
      const tag = fields.get('event');
      if (tag === undefined) continue;
      yield {
        tag,
        data: JSON.parse(fields.get('data') ?? 'null'),
        id: fields.get('id') ?? null,
      } as LiveEvent & {
        id: string | null;
      };
    }
  }
}

/** The first so many transactions that come. */
export async function liveTransactions(
  url: string,
  { count, lastEventId }: { count: number; lastEventId?: Position },
): Promise<TimelineItem[]> {
  const stop = new AbortController();
  const items: TimelineItem[] = [];
  const from = lastEventId === undefined ? {} : { lastEventId };
  for await (const event of liveEvents(url, { ...from, signal: stop.signal })) {
    if (event.tag === 'transaction') items.push(event.data);
    if (items.length === count) break;
  }
  stop.abort();
  return items;
}
