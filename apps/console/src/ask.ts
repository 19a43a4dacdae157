/** Questions to the console's server, and what came of them. */
import type { Problem } from '@diptych/compare/console-api';
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';

/** The server wants a token, and this browser has shown none. */
export const isLocked = signal(false);

/** What the server answered instead of what was asked for; `status` 0: it did not answer. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** `GET`. Throws Refusal. */
export async function ask<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return await request<Answer>(path, { signal: signal ?? null });
}

/** `POST` of something that changes something. Throws Refusal. */
export async function tell<Answer>(path: string, body?: object): Promise<Answer> {
  return await request<Answer>(path, {
    method: 'POST',
    headers: { 'diptych-console': '1', ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
}

/** A query string of what is given, `?` included; empty without any. */
export function query(parameters: object): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

export type Asked<Answer> =
  | { readonly tag: 'asking' }
  | { readonly tag: 'answered'; readonly answer: Answer }
  | { readonly tag: 'refused'; readonly refusal: Refusal };

/** Asks when the path changes and whenever `again` does; the last answer stays while the next one is on its way. */
export function useAnswer<Answer>(path: string, again: unknown = 0): Asked<Answer> {
  const [asked, setAsked] = useState<Asked<Answer> & { path?: string }>({ tag: 'asking' });
  useEffect(() => {
    const stop = new AbortController();
    ask<Answer>(path, stop.signal).then(
      (answer) => setAsked({ tag: 'answered', answer, path }),
      (error: unknown) => {
        if (!stop.signal.aborted) setAsked({ tag: 'refused', refusal: refusalOf(error), path });
      },
    );
    return () => stop.abort();
  }, [path, again]);
  return asked.path === path ? asked : { tag: 'asking' };
}

export function refusalOf(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal(0, 'The console’s server does not answer.');
}

async function request<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(path, { credentials: 'same-origin', ...init });
  if (response.ok)
    return response.status === 204 ? (undefined as Answer) : ((await response.json()) as Answer);
  if (response.status === 401) isLocked.value = true;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  throw new Refusal(response.status, problem.detail ?? problem.title ?? `HTTP ${response.status}`);
}
