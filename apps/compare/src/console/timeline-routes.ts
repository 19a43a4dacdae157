/** The timeline, aggregates, and what comes live. */
import type { FindQuery, Found, Session, TimelineFilter, TimelineQuery } from '@diptych/compare/console-api';
import type { AggregatesAnswer } from '@diptych/compare/console-reports';
import { formatPosition, parsePosition } from '@diptych/compare/position';
import { type Lsn, parseLsn } from '@diptych/wal/lsn';
import type { FastifyInstance } from 'fastify';
import type { TimelineReader } from '../timeline/timeline-reader.ts';
import { type ConsoleTimeline, shownMax } from './console-timeline.ts';
import type { EngineKeeper } from './engine-keeper.ts';
import type { LiveHub } from './live-hub.ts';
import { refuse } from './problems.ts';

const text = { type: 'string', minLength: 1, maxLength: 500 };
const position = { type: 'string', pattern: '^\\d{1,9}-[0-9A-F]{16}$' };
const lsn = { type: 'string', pattern: '^[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$' };
/** `<xid8>@<lsn>` (docs/wire.md, "Commit token") */
const token = { type: 'string', pattern: '^\\d{1,20}@[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}$' };
const differences = { type: 'string', enum: ['only'] };

export const filterProperties = { aggregate: text, table: text, type: text, differences };

/** Unknown parameters are refused: a misspelt filter would show everything. */
export const query = (properties: object, more: object = {}) => ({
  querystring: { type: 'object', additionalProperties: false, properties, ...more },
});

const limit = (usual: number) => ({ type: 'integer', minimum: 1, maximum: 500, default: usual });

const facetsMax = 1000;

export interface TimelineRoutesOptions {
  readonly timeline: ConsoleTimeline;
  readonly reader: TimelineReader;
  readonly hub: LiveHub;
  readonly keeper: Pick<EngineKeeper, 'answer'>;
  readonly session: Pick<Session, 'name' | 'version' | 'token' | 'keptMax'>;
}

export function timelineRoutes(
  app: FastifyInstance,
  { timeline, reader, hub, keeper, session }: TimelineRoutesOptions,
): void {
  app.get('/api/session', async (): Promise<Session> => ({ ...session, shownMax, state: await hub.state() }));
  app.get<{ Querystring: TimelineQuery }>(
    '/api/timeline',
    {
      schema: query(
        { ...filterProperties, before: position, after: position, around: position, limit: limit(100) },
        {
          not: {
            anyOf: [
              ['before', 'after'],
              ['before', 'around'],
              ['after', 'around'],
            ].map((required) => ({ required })),
          },
        },
      ),
    },
    async (request) => await timeline.page(request.query),
  );
  app.get('/api/facets', async () => {
    const [tables, types, aggregateTypes] = await Promise.all([
      reader.known('table', facetsMax),
      reader.known('type', facetsMax),
      reader.known('aggregate-type', facetsMax),
    ]);
    return { tables, types, aggregateTypes };
  });
  app.get<{ Params: { position: string } }>(
    '/api/transactions/:position',
    { schema: { params: { type: 'object', properties: { position } } } },
    async ({ params }, reply) =>
      (await timeline.one(params.position)) ?? refuse(reply, { code: 'transaction-not-kept' }),
  );
  app.get<{ Querystring: FindQuery }>(
    '/api/find',
    {
      schema: query(
        {
          xid: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
          ...{ lsn, token },
          time: { type: 'string', format: 'date-time' },
        },
        { minProperties: 1, maxProperties: 1 },
      ),
    },
    async (request) => await find(reader, request.query),
  );
  aggregateRoutes(app, { timeline, reader, keeper });
  liveRoute(app, hub);
}

function aggregateRoutes(
  app: FastifyInstance,
  { timeline, reader, keeper }: Pick<TimelineRoutesOptions, 'timeline' | 'reader' | 'keeper'>,
): void {
  app.get<{ Querystring: { type: string; prefix: string; limit: number } }>(
    '/api/aggregates',
    {
      schema: query(
        { type: text, prefix: { type: 'string', maxLength: 500, default: '' }, limit: limit(50) },
        { required: ['type'] },
      ),
    },
    async ({ query: { type: aggregateType, prefix, limit: countMax } }): Promise<AggregatesAnswer> => {
      const ids = await reader.aggregates({ aggregateType, prefix, countMax: countMax + 1 });
      const drifted = new Set(keeper.answer?.drift[aggregateType]?.drifted.map(({ id }) => id));
      const aggregates = ids
        .slice(0, countMax)
        .map((id) => ({ aggregateType, id, drifted: drifted.has(id) }));
      return { aggregates, hasMore: ids.length > countMax };
    },
  );
  app.get<{ Params: { type: string; id: string }; Querystring: { before?: string; limit: number } }>(
    '/api/aggregates/:type/:id',
    { schema: query({ before: position, limit: limit(200) }) },
    async ({ params: { type: aggregateType, id }, query: { before = null, limit: countMax } }, reply) =>
      (await timeline.aggregate({ aggregateType, id }, { before, limit: countMax })) ??
      refuse(reply, { code: 'aggregate-not-kept' }),
  );
}

function liveRoute(app: FastifyInstance, hub: LiveHub): void {
  app.get<{ Querystring: TimelineFilter & { after?: string } }>(
    '/api/live',
    { schema: query({ ...filterProperties, after: position }) },
    async (request, reply) => {
      if (hub.isFull) return refuse(reply, { code: 'listeners-exhausted' });
      const { after, ...filter } = request.query;
      const again = request.headers['last-event-id'];
      const from = typeof again === 'string' && parsePosition(again) !== null ? again : (after ?? null);
      const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' };
      // A proxy that collects what comes would hold it back.
      const all = { ...reply.getHeaders(), ...headers, 'x-accel-buffering': 'no' };
      reply.hijack();
      reply.raw.writeHead(200, all as Record<string, string>);
      reply.raw.flushHeaders();
      // Whom the store cannot tell what was missed asks again.
      await hub.listen(reply.raw, { filter, after: from }).catch(() => reply.raw.destroy());
      return reply;
    },
  );
}

async function find(reader: TimelineReader, asked: FindQuery): Promise<Found> {
  const { xid, lsn: at, token: commit, time } = asked;
  if (xid !== undefined) return exactly(await reader.byXid(xid, null));
  if (time !== undefined) return { position: await reader.byTime(time), exact: false };
  const { newest } = await reader.extent();
  const timeline = newest === null ? 1 : (parsePosition(newest)?.timeline ?? 1);
  const positionAt = (commitLsn: Lsn) => formatPosition({ timeline, commitLsn });
  if (at !== undefined) {
    const wanted = positionAt(parseLsn(at));
    const found = await reader.upTo(wanted);
    return { position: found, exact: found === wanted };
  }
  const [xid8 = '0', insertLsn = '0/0'] = (commit ?? '').split('@');
  // The token's LSN was asked for after the commit: its record is not behind it.
  return exactly(
    await reader.byXid(Number(BigInt.asUintN(32, BigInt(xid8))), positionAt(parseLsn(insertLsn))),
  );
}

const exactly = (position: string | null): Found => ({ position, exact: position !== null });
