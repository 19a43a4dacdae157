/** Reports, health, what is parked, and waiting for a commit. */
import type { AwaitAnswer } from '@diptych/compare/console-api';
import type { HealthAnswer, ParkedAnswer, ReleaseAnswer } from '@diptych/compare/console-health';
import type { Panels } from '@diptych/compare/open-panels';
import { askRelay, readParked } from '@diptych/relay-app/commands/parked';
import type { ParkedPlace } from '@diptych/relay-app/parking/parked-topic';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { EngineAnswer } from '../engine.ts';
import type { EngineKeeper } from './engine-keeper.ts';
import { type HealthSampler, sampleIntervalMs } from './health-sampler.ts';
import { priceOf } from './price-file.ts';
import { refuse } from './problems.ts';
import { driftOf, intentOf, leaksOf } from './reports.ts';
import { query } from './timeline-routes.ts';

export interface ReportRoutesOptions {
  readonly keeper: EngineKeeper;
  readonly health: HealthSampler;
  readonly parked: ParkedPlace;
  /** The file that `diptych price --json` wrote; null when there is none. */
  readonly priceFile: string | null;
  readonly hints: readonly string[];
  readonly panels: Panels;
}

const parkedMax = 1000;
const releaseTimeoutMs = 30_000;
const hourMs = 3_600_000;

export function reportRoutes(app: FastifyInstance, options: ReportRoutesOptions): void {
  const { keeper } = options;
  const known =
    <Report>(report: (answer: EngineAnswer) => Report) =>
    async (_request: unknown, reply: FastifyReply) => {
      const { answer } = keeper;
      return answer === null
        ? refuse(reply, { code: 'not-ready', detail: keeper.trouble?.message ?? 'starting' })
        : report(answer);
    };
  app.get('/api/leaks', known(leaksOf));
  app.get('/api/drift', known(driftOf));
  app.get('/api/intent', known(intentOf));
  app.get('/api/price', async () => await priceOf(options.priceFile));
  healthRoute(app, options);
  parkedRoutes(app, options.parked);
  awaitRoute(app, options.panels);
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const { trouble, answer } = keeper;
    if (trouble !== null || answer === null)
      return refuse(reply, { code: 'not-ready', detail: trouble?.message ?? 'starting' });
    return { status: 'ready' };
  });
}

function healthRoute(
  app: FastifyInstance,
  { health, hints }: Pick<ReportRoutesOptions, 'health' | 'hints'>,
): void {
  app.get<{ Querystring: { since?: string; points: number } }>(
    '/api/health',
    {
      schema: query({
        since: { type: 'string', format: 'date-time' },
        points: { type: 'integer', minimum: 1, maximum: 2000, default: 600 },
      }),
    },
    async ({ query: { since, points } }): Promise<HealthAnswer> => {
      const from = since === undefined ? new Date(Date.now() - hourMs) : new Date(since);
      const { relay, slot, problems } = health;
      const samples = await health.samples({ since: from, points });
      return { relay, slot, samples, sampleIntervalMs, problems, hints };
    },
  );
}

function parkedRoutes(app: FastifyInstance, place: ParkedPlace): void {
  app.get('/api/parked', async (): Promise<ParkedAnswer> => {
    const { records } = await readParked(place);
    const waiting = new Set<string>();
    const parked = records.map(({ id, reason, detail, topic, key, bytes, timestampMs }) => {
      const of = key === null ? id : `${topic} ${key.toString('hex')}`;
      const releasable = !waiting.has(of);
      waiting.add(of);
      const committedAt = new Date(timestampMs).toISOString();
      return { id, reason, detail, topic, key: key?.toString() ?? null, bytes, committedAt, releasable };
    });
    return { parked: parked.slice(0, parkedMax), count: parked.length };
  });
  app.post<{ Params: { id: string } }>(
    '/api/parked/:id/release',
    {
      schema: {
        params: {
          type: 'object',
          properties: { id: { type: 'string', pattern: '^[0-9A-F-]{18,60}$' } },
        },
      },
    },
    async ({ params: { id } }): Promise<ReleaseAnswer> =>
      await askRelay({ place, command: 'release', id, reason: null, timeoutMs: releaseTimeoutMs }),
  );
}

function awaitRoute(app: FastifyInstance, panels: Panels): void {
  app.get<{ Querystring: { token: string; timeoutMs: number } }>(
    '/await',
    {
      schema: query(
        {
          token: { type: 'string', minLength: 1, maxLength: 60 },
          timeoutMs: { type: 'integer', minimum: 1, maximum: 60_000, default: 10_000 },
        },
        { required: ['token'] },
      ),
    },
    async ({ query: { token, timeoutMs } }, reply): Promise<AwaitAnswer> => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort(new Error('the client went')));
      await panels.passed(token, { timeoutMs, signal: gone.signal });
      return { token, passed: true };
    },
  );
}
