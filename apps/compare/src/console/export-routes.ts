/** Files to save: what the page shows, as JSON or as CSV. */
import type { TimelineFilter, TimelineItem } from '@diptych/compare/console-api';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ConsoleTimeline } from './console-timeline.ts';
import { csv, type Table } from './csv.ts';
import type { EngineKeeper } from './engine-keeper.ts';
import { refuse } from './problems.ts';
import { driftOf, intentOf, leaksOf } from './reports.ts';
import { filterProperties, query } from './timeline-routes.ts';

const transactionsMax = 10_000;
const pageSize = 500;

type Form = 'csv' | 'json';

export function exportRoutes(
  app: FastifyInstance,
  { keeper, timeline }: { keeper: EngineKeeper; timeline: ConsoleTimeline },
): void {
  app.get<{ Params: { form: Form }; Querystring: TimelineFilter }>(
    '/api/export/timeline.:form',
    { schema: { params: formParameter, ...query(filterProperties) } },
    async ({ params: { form }, query: filter }, reply) => {
      const items: TimelineItem[] = [];
      let before: string | undefined;
      while (items.length < transactionsMax) {
        const page = await timeline.page({
          ...filter,
          limit: pageSize,
          ...(before === undefined ? {} : { before }),
        });
        items.push(...page.items);
        before = page.items.at(-1)?.position;
        if (!page.hasOlder || before === undefined) break;
      }
      const kept = items.slice(0, transactionsMax);
      return save(reply, { what: 'timeline', form, json: kept, table: () => timelineTable(kept) });
    },
  );
  app.get<{ Params: { what: 'leaks' | 'drift' | 'intent'; form: Form } }>(
    '/api/export/:what.:form',
    {
      schema: {
        params: {
          ...formParameter,
          properties: {
            ...formParameter.properties,
            what: { type: 'string', enum: ['leaks', 'drift', 'intent'] },
          },
        },
      },
    },
    async ({ params: { what, form } }, reply) => {
      const { answer } = keeper;
      if (answer === null) return refuse(reply, { code: 'not-ready' });
      const reports = {
        leaks: () => report(leaksOf(answer), leaksTable),
        drift: () => report(driftOf(answer), driftTable),
        intent: () => report(intentOf(answer), intentTable),
      };
      return save(reply, { what, form, ...reports[what]() });
    },
  );
}

const formParameter = {
  type: 'object',
  properties: { form: { type: 'string', enum: ['csv', 'json'] } },
} as const;

const report = <Report>(json: Report, table: (json: Report) => Table) => ({ json, table: () => table(json) });

function save(
  reply: FastifyReply,
  { what, form, json, table }: { what: string; form: Form; json: unknown; table: () => Table },
): FastifyReply {
  reply.header('content-disposition', `attachment; filename="diptych-${what}.${form}"`);
  reply.header('cache-control', 'no-store');
  return form === 'json'
    ? reply.type('application/json; charset=utf-8').send(JSON.stringify(json))
    : reply.type('text/csv; charset=utf-8').send(csv(table()));
}

function timelineTable(items: readonly TimelineItem[]): Table {
  const head = [
    'position',
    'xid',
    'commit time',
    'lag ms',
    'leak',
    'drift begins',
    'panel',
    'what',
    'about',
    'words',
  ];
  const rows = items.flatMap(({ position, xid, commitTime, lagMs, leak, drifts, events, changes }) => {
    const names = drifts.map(({ aggregateType, id }) => `${aggregateType} ${id}`).join(' ');
    const common = [position, xid, commitTime, lagMs, leak, names];
    return [
      ...events.map(({ type, aggregateType, key, words }) => [
        ...[...common, 'meant', type, `${aggregateType} ${key ?? ''}`, words],
      ]),
      ...changes.map(({ table, op, words }) => [...common, 'done', op, table, words]),
    ];
  });
  return [head, ...rows];
}

function leaksTable({ shapes, accepted }: ReturnType<typeof leaksOf>): Table {
  const head = [
    'shape',
    'carries an event',
    'transactions',
    'without',
    'percent with',
    'first',
    'last',
    'accepted',
  ];
  const all = [...shapes.map((shape) => ({ ...shape, reason: '' })), ...accepted];
  return [
    head,
    ...all.map(({ shape, carries, transactions, leaks, percent, first, last, reason }) => [
      ...[shape, carries, transactions, leaks, percent, first.position, last.position, reason],
    ]),
  ];
}

function driftTable({ types }: ReturnType<typeof driftOf>): Table {
  const head = ['aggregate type', 'id', 'since', 'xid', 'commit time', 'fact', 'meant', 'done'];
  return [
    head,
    ...types.flatMap(({ drifted }) =>
      drifted.flatMap(({ aggregateType, id, since, facts }) =>
        facts
          .filter(({ differs }) => differs)
          .map(({ fact, events, rows }) => [
            ...[aggregateType, id, since.position, since.xid, since.commitTime, fact, events, rows],
          ]),
      ),
    ),
  ];
}

function intentTable({ events, matrix }: ReturnType<typeof intentOf>): Table {
  const head = [
    'event',
    'transactions',
    'row changes each',
    'ambiguous',
    ...events.map(({ type }) => `as ${type}`),
  ];
  return [
    head,
    ...events.map(({ type, transactions, changesPerEvent, ambiguous }, row) => [
      ...[type, transactions, changesPerEvent, ambiguous, ...(matrix[row] ?? [])],
    ]),
  ];
}
