/** Every projection rebuilt from zero, its service killed in the middle: what it shows then has to be what was live before. */
import { fingerprint } from '@diptych/projection/fingerprint';
import { readGenerations } from '@diptych/projection/generations';
import { cartProjections } from '@diptych/projections-app/cart-projections';
import { poll } from '@diptych/runtime/poll';
import pg from 'pg';
import type { Reader } from './services.ts';

export interface Rebuilt {
  /** Projections that show something else than before. */
  readonly differing: readonly string[];
  /** Tables of them in which nothing was. */
  readonly empty: readonly string[];
  /** How often their service was killed while it rebuilt. */
  readonly kills: number;
  readonly seconds: number;
}

interface Shown {
  readonly generation: number;
  /** Tables, rows and hashes. */
  readonly what: string;
}

const names = cartProjections.map(({ name }) => name);
const rebuildTimeoutMs = 15 * 60_000;
const lookMs = 100;

/** Throws when a rebuild is refused, or is not live within fifteen minutes. */
export async function rebuildAll(service: Reader, signal: AbortSignal): Promise<Rebuilt> {
  const client = new pg.Client({ connectionString: service.databaseUrl });
  client.on('error', () => {}); // the next statement says it
  await client.connect();
  try {
    const before = await readShown(client);
    const startedAt = performance.now();
    for (const name of names) await ask(`${service.url}/projections/${name}/rebuild`);
    const kills = await killInTheMiddle(client, { service, signal });
    await poll(async () => (await isReplaced(client, before)) || undefined, {
      ...{ what: 'the rebuilt projections are live', timeoutMs: rebuildTimeoutMs, intervalMs: 500, signal },
    });
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    return { ...difference(before, await readShown(client)), kills, seconds };
  } finally {
    await client.end();
  }
}

/** Pure. */
export function difference(
  before: ReadonlyMap<string, Shown>,
  after: ReadonlyMap<string, Shown>,
): Pick<Rebuilt, 'differing' | 'empty'> {
  const differing = names.filter((name) => {
    const [old, rebuilt] = [before.get(name), after.get(name)];
    return !old || !rebuilt || old.generation === rebuilt.generation || old.what !== rebuilt.what;
  });
  const empty = names.filter((name) => /\b 0 [0-9a-f]{32}/.test(before.get(name)?.what ?? ' 0 '));
  return { differing, empty };
}

/** What is live, by projection. */
async function readShown(client: pg.Client): Promise<Map<string, Shown>> {
  const shown = new Map<string, Shown>();
  for (const generation of await readGenerations(client)) {
    if (generation.state !== 'live') continue;
    shown.set(generation.projection, {
      generation: generation.generation,
      what: await fingerprint(client, generation),
    });
  }
  return shown;
}

/** Killed when the first of them has read something; not at all when they were done before anybody looked. */
async function killInTheMiddle(
  client: pg.Client,
  { service, signal }: { service: Reader; signal: AbortSignal },
): Promise<number> {
  const building = async (): Promise<'under-way' | 'over' | undefined> => {
    const { rows } = await client.query<{ building: number; begun: number }>(
      `select count(distinct generation)::int as building, count(next_offset)::int as begun
       from projection_generations left join inbox_positions using (consumer_group) where state = 'building'`,
    );
    const [row] = rows;
    if (row && row.begun > 0) return 'under-way';
    return row?.building === 0 ? 'over' : undefined;
  };
  const what = 'a rebuild has begun';
  const timeoutMs = rebuildTimeoutMs;
  if ((await poll(building, { what, timeoutMs, intervalMs: lookMs, signal })) === 'over') return 0;
  await service.process.kill();
  service.process.start();
  return 1;
}

async function isReplaced(client: pg.Client, before: ReadonlyMap<string, Shown>): Promise<boolean> {
  const live = (await readGenerations(client)).filter(({ state }) => state === 'live');
  return names.every((name) =>
    live.some(
      ({ projection, generation }) =>
        projection === name && generation > (before.get(name)?.generation ?? Number.POSITIVE_INFINITY),
    ),
  );
}

async function ask(url: string): Promise<void> {
  const answer = await fetch(url, { method: 'POST', signal: AbortSignal.timeout(10_000) });
  if (answer.status !== 202) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
}
