/** The console: an engine that keeps what it folds for a timeline, and the page's server, in one process. */
import type { Session } from '@diptych/compare/console-api';
import { openPanels } from '@diptych/compare/open-panels';
import { drain, listen, serverLimits } from '@diptych/runtime/http-server';
import type { Logger } from '@diptych/runtime/log';
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { Pool } from 'pg';
import { TimelineReader } from '../timeline/timeline-reader.ts';
import { type AccessOptions, guard, requireToken } from './access.ts';
import { ConsoleTimeline } from './console-timeline.ts';
import { EngineKeeper, type EngineKeeperOptions } from './engine-keeper.ts';
import { exportRoutes } from './export-routes.ts';
import { HealthSampler } from './health-sampler.ts';
import { LiveHub } from './live-hub.ts';
import { builtPage, servePage } from './page-files.ts';
import { answerErrors } from './problems.ts';
import { type ReportRoutesOptions, reportRoutes } from './report-routes.ts';
import { timelineRoutes } from './timeline-routes.ts';

export interface ConsoleOptions
  extends EngineKeeperOptions,
    AccessOptions,
    Pick<ReportRoutesOptions, 'priceFile'> {
  /** 0 is any free one. */
  readonly port: number;
  /** Of the relays' `/status` and `/metrics`. */
  readonly relays: readonly string[];
  /** The captured database, read only; null: the relay says how far its slot is. */
  readonly sourceUrl: string | null;
  readonly slot: string;
  readonly version: string;
  /** The built page; default that of this repository. */
  readonly page?: string;
}

/** A running console. */
export interface Console {
  readonly url: string;
  readonly close: () => Promise<void>;
}

const statementTimeoutMs = 10_000;
/** The page asks several things at once, each for milliseconds. */
const connectionsMax = 4;
/** A question is a line; the longest thing that is sent is a token. */
const bodyBytesMax = 4096;

/** Starts it. Throws OperatingError: `configuration-invalid`, `port-taken`. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { host, port, token, name, databaseUrl, sourceUrl, keptMax, version, log } = options;
  requireToken({ host, token });
  const pool = openPool(databaseUrl, { max: connectionsMax, log });
  const source = sourceUrl === null ? null : openPool(sourceUrl, { max: 1, log, isReadOnly: true });
  const keeper = new EngineKeeper(options);
  const reader = new TimelineReader({ pool, name });
  const timeline = new ConsoleTimeline({ reader, keeper });
  const hub = new LiveHub({ timeline, reader, keeper });
  const onSample = hub.sample.bind(hub);
  const health = new HealthSampler({ ...options, pool, source, keeper, onSample });
  const session: Omit<Session, 'state' | 'shownMax'> = { name, version, token: token !== null, keptMax };
  const { brokers, prefix, slot } = options;
  const panels = openPanels({ brokers, prefix, slot });
  const app = buildApp(options, { keeper, health, timeline, reader, hub, session, panels });
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  const close = async (): Promise<void> => {
    stop.abort();
    hub.close();
    await drain(app);
    await running;
    await Promise.all([health.close(), panels.close()]);
    await Promise.all([pool.end(), source?.end()]);
  };
  try {
    await servePage(app, { directory: options.page ?? builtPage, access: options });
    return { url: await listen(app, { host, port, setting: '--port' }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Parts = Pick<ReportRoutesOptions, 'keeper' | 'health' | 'panels'> & Parameters<typeof timelineRoutes>[1];

function buildApp(options: ConsoleOptions, parts: Parts): FastifyInstance {
  const { brokers, prefix, slot, priceFile, log } = options;
  const app = fastify({
    ...serverLimits({ bodyBytesMax }),
    loggerInstance: log as FastifyBaseLogger,
    // Who waits for a commit does so for up to a minute: an end does not wait for him.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1000 },
    ajv: { customOptions: { removeAdditional: false } },
  });
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  guard(app, options);
  answerErrors(app, log);
  timelineRoutes(app, parts);
  reportRoutes(app, {
    ...parts,
    ...{ priceFile, hints: hintsOf(options) },
    parked: { kafka: { brokers }, prefix, slot },
  });
  exportRoutes(app, parts);
  return app;
}

function hintsOf({ relays, sourceUrl }: Pick<ConsoleOptions, 'relays' | 'sourceUrl'>): string[] {
  return [
    ...(relays.length > 0
      ? []
      : ['Say with --relay where the relay answers: its lag, throughput and latency.']),
    ...(sourceUrl === null
      ? ['Say with --source how to read pg_replication_slots of the captured database: what the slot keeps.']
      : []),
  ];
}

/** Opens no connection yet. */
function openPool(
  url: string,
  { max, log, isReadOnly = false }: { max: number; log: Logger; isReadOnly?: boolean },
): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'diptych-console',
    max,
    connectionTimeoutMillis: 3000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 2000,
    keepAlive: true,
    ...(isReadOnly ? { options: '-c default_transaction_read_only=on' } : {}),
  });
  // An idle connection that breaks is nobody's error; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ reason: error.message }, 'an idle connection to Postgres broke'));
  return pool;
}
