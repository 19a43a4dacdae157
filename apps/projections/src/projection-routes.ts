/** How the projections do, and their rebuilding. */
import type { Projections } from '@diptych/projection/projections';
import { type ProjectionStatus, readStatus } from '@diptych/projection/status';
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';
import { refuse } from './problems.ts';

/** What is asked of the runner. */
export type RunningProjections = Pick<
  Projections<never>,
  'followed' | 'trouble' | 'metrics' | 'rebuild' | 'cancel' | 'ends'
>;

type Named = { Params: { name: string } };

export function projectionRoutes(
  app: FastifyInstance,
  { pool, projections }: { pool: Pool; projections: RunningProjections },
): void {
  const statuses = () => readStatus(pool, projections);
  app.get('/projections', async () => ({ projections: (await statuses()).map(toJson) }));
  app.get<Named>('/projections/:name', async ({ params: { name } }, reply) => {
    const status = (await statuses()).find(({ projection }) => projection === name);
    return status ? toJson(status) : refuse(reply, { code: 'projection-not-found' });
  });
  app.post<Named>('/projections/:name/rebuild', async ({ params: { name } }, reply) => {
    const begun = await projections.rebuild(name);
    if (begun.ok) return reply.code(202).send({ projection: name, generation: begun.generation.generation });
    return refuse(reply, { code: begun.reason === 'unknown' ? 'projection-not-found' : 'rebuild-under-way' });
  });
  app.delete<Named>('/projections/:name/rebuild', async ({ params: { name } }, reply) =>
    (await projections.cancel(name)) ? reply.code(204).send() : refuse(reply, { code: 'rebuild-not-found' }),
  );
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const detail = whyNotReady(projections);
    if (detail !== null) return refuse(reply, { code: 'not-ready', detail });
    await pool.query('select 1');
    return { status: 'ready' };
  });
}

/** What is read follows the topics; of what is building nobody asks. */
function whyNotReady({ followed, trouble }: RunningProjections): string | null {
  if (trouble !== null) return trouble;
  const live = followed.filter(({ generation }) => generation.state === 'live');
  if (live.length === 0) return 'starting';
  for (const { generation, progress } of live) {
    if (progress.tag === 'consuming') continue;
    const why = 'error' in progress ? `: ${progress.error.code}. ${progress.error.remedy}` : '';
    return `${generation.projection} is ${progress.tag}${why}`;
  }
  return null;
}

/** Offsets stay below what a double holds. */
function toJson({ positions, rebuild, ...status }: ProjectionStatus) {
  return {
    ...status,
    positions: positions.map(({ nextOffset, ...place }) => ({ ...place, nextOffset: Number(nextOffset) })),
    rebuild: rebuild && { ...rebuild, passed: Number(rebuild.passed), of: Number(rebuild.of) },
  };
}
