/** `diptych status --watch`: the same lines again and again, in place on a terminal. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { parseLsn } from '@diptych/wal/lsn';
import type { Configuration } from '../configuration.ts';
import { describe, readStatus, type Status } from './status.ts';

/** Cursor to the first column of the first line, and everything below it erased: less flicker than an erased screen. */
const home = '\u001b[H\u001b[J';

/** What one look after another says of the pace. */
interface Look {
  readonly status: Status;
  readonly atMs: number;
}

/**
 * Looks every `intervalMs` until Ctrl-C or until nobody reads. On a terminal each look takes the place of the one before;
 * elsewhere, and as JSON, they follow each other line by line.
 */
export async function watchStatus({
  configuration,
  json,
  intervalMs,
  out,
}: {
  configuration: Configuration;
  json: boolean;
  intervalMs: number;
  out: NodeJS.WritableStream & { isTTY?: boolean };
}): Promise<void> {
  const lifecycle = new Lifecycle();
  const { stopping } = lifecycle;
  out.on('error', () => lifecycle.stop('nobody reads'));
  let before: Look | null = null;
  while (!stopping.aborted) {
    const now: Look = { status: await readStatus(configuration), atMs: performance.now() };
    if (json) out.write(`${JSON.stringify(now.status)}\n`);
    else out.write(`${out.isTTY ? home : ''}${describe(now.status, configuration)}${paceLine(before, now)}`);
    before = now;
    await sleep(intervalMs, undefined, { signal: stopping }).catch(() => {});
  }
}

/** How fast WAL was published between two looks, and how soon nothing waits at that pace; empty while that is not known. */
export function paceLine(before: Look | null, now: Look): string {
  const [from, to] = [before?.status.relay?.publishedLsn, now.status.relay?.publishedLsn];
  if (!before || from === undefined || to === undefined) return '';
  const seconds = (now.atMs - before.atMs) / 1000;
  const bytesPerSecond = Math.max(0, Number(parseLsn(to) - parseLsn(from)) / seconds);
  const [owed, owedBefore] = [now.status.lagBytes ?? 0, before.status.lagBytes ?? 0];
  const gained = (owedBefore - owed) / seconds;
  const rest = gained > 0 && owed > 0 ? `, nothing waits in ${Math.ceil(owed / gained)} s` : '';
  return `pace        ${Math.round(bytesPerSecond)} bytes of WAL a second${rest}\n`;
}
