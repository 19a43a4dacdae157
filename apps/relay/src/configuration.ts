import { loadConfiguration } from '@diptych/runtime/configuration';
import { patternExpression } from '@diptych/runtime/pattern';
import { z } from 'zod';
import { auditSettings } from './audit-configuration.ts';
import { representationSettings } from './change-configuration.ts';
import { databaseSettings, kafkaSettings } from './connection-configuration.ts';
import { outboxSchema } from './outbox-configuration.ts';
import { payloadSettings } from './payload-configuration.ts';
import { snapshotSettings } from './snapshot/snapshot-configuration.ts';

const mebibyte = 1024 * 1024;

const name = (fallback: string, description: string) =>
  z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/, 'takes 1 to 63 of a-z, 0-9 and _')
    .default(fallback)
    .meta({ description });

const bound = (fallback: number, description: string) =>
  z.number().int().positive().default(fallback).meta({ description });

const onPoison = (fallback: 'park' | 'stop', panel: string) =>
  z
    .enum(['park', 'stop'])
    .default(fallback)
    .meta({
      description: `What becomes of ${panel} that can never be published: set aside (docs/parking.md), or both panels stop.`,
    });

/** Two entries for one outbox would leave open which one holds. */
function eachOnce(
  outboxes: readonly { table?: string | undefined; message?: string | undefined }[],
  context: z.core.$RefinementCtx,
): void {
  const names = outboxes.map(({ table, message }) => (table === undefined ? `message ${message}` : table));
  const twice = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twice >= 0)
    context.addIssue({ code: 'custom', path: [twice], message: `${names[twice]} is there twice` });
}

/** What each setting allows by itself, and not together with another one. */
function compatible({ limits, timing, outbox, change }: Settings, context: z.core.$RefinementCtx): void {
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: path.split('.'), message });
  if (limits.queueBytesMax < limits.batchBytesMax)
    refuse('limits.queueBytesMax', `has to be at least limits.batchBytesMax (${limits.batchBytesMax})`);
  // While the socket is paused nothing that the server asks is heard: the timer alone keeps the session, and may be late.
  if (timing.statusIntervalMs > timing.walSenderTimeoutMs / 3)
    refuse(
      'timing.statusIntervalMs',
      `may be a third of timing.walSenderTimeoutMs (${timing.walSenderTimeoutMs}) at most`,
    );
  if (change.publication === outbox.publication)
    refuse('change.publication', `has to be another one than outbox.publication (${outbox.publication})`);
}

const settings = z.strictObject({
  database: databaseSettings,
  kafka: kafkaSettings,
  delivery: z
    .enum(['exactly-once', 'at-least-once'])
    .default('exactly-once')
    .meta({
      description:
        'Whether a batch is a Kafka transaction, or is published without transactions, so that failures repeat records ' +
        '(docs/reliability.md).',
    }),
  slot: name('diptych', 'The replication slot.'),
  publication: z
    .enum(['managed', 'given'])
    .default('managed')
    .meta({
      description:
        'Who keeps the publications: `init` and the relay that holds the slot, in step with the tables below; or somebody else, ' +
        'and they are only compared (docs/change-events.md).',
    }),
  failover: z.boolean().default(true).meta({
    description:
      'Let standbys synchronise the slot (PostgreSQL 17 and newer), and say what is missing for it (docs/failover.md).',
  }),
  prefix: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/, 'takes 1 to 100 of A-Z, a-z, 0-9, ., _ and -')
    .default('diptych')
    .meta({
      description:
        'The first part of the names of change, transaction, parked, heartbeat and checkpoint topics.',
    }),
  outbox: z
    .strictObject({
      publication: name('diptych_outbox', 'The publication of the outbox tables.'),
      topicPrefix: z
        .string()
        .regex(/^[A-Za-z0-9._-]{0,100}$/, 'takes up to 100 of A-Z, a-z, 0-9, ., _ and -')
        .default('outbox.event.')
        .meta({ description: 'What stands before the aggregate type in the name of a domain topic.' }),
      tables: z
        .array(z.string().regex(/^[^.]+\.[^.]+$/, 'takes schema.table'))
        .default(['public.outbox'])
        .meta({
          description: 'The outbox tables, `schema.table`. Those that do not exist are left out by `init`.',
        }),
      onPoison: onPoison('park', 'a domain event'),
      payload: payloadSettings,
    })
    .prefault({}),
  outboxes: z.array(outboxSchema).default([]).superRefine(eachOnce).meta({
    description: 'Outboxes with settings of their own, below; in the variable as JSON.',
  }),
  change: z
    .strictObject({
      publication: name(
        'diptych_change',
        'The publication of the business tables; not that of the outbox tables.',
      ),
      include: z.array(z.string()).default(['*.*']).meta({
        description:
          'The business tables, `schema.table`; `*` stands for any characters, in tables that come later too.',
      }),
      exclude: z
        .array(z.string())
        .default(['drizzle.*', '*.outbox', '*.outbox_heads', '*.outbox_snapshots'])
        .meta({ description: 'Tables that are left out, in the same form.' }),
      partitions: z
        .enum(['leaf', 'root'])
        .default('leaf')
        .meta({
          description:
            'Whether rows of a partitioned table are changes of their partition, or of the table that was partitioned ' +
            '(`publish_via_partition_root`).',
        }),
      onPoison: onPoison('stop', 'a change event'),
      ...representationSettings,
    })
    .prefault({}),
  snapshot: snapshotSettings,
  audit: auditSettings,
  heartbeat: z
    .strictObject({
      intervalMs: z.number().int().min(0).default(0).meta({
        description:
          'How often the active relay sends a sign of life through the WAL to the topic `<prefix>.heartbeat`; 0: never.',
      }),
    })
    .prefault({}),
  limits: z
    .strictObject({
      batchBytesMax: bound(4 * mebibyte, 'A Kafka transaction is cut at this size.'),
      queueBytesMax: bound(
        8 * mebibyte,
        'Records in flight above which the socket is paused; at least `limits.batchBytesMax`.',
      ),
      rowBytesMax: bound(
        128 * mebibyte,
        'A row that the server sends as more bytes is set aside by its hash, or stops the relay: its envelope would need four times as much memory.',
      ),
      topicsMax: bound(
        1000,
        'How many topics of events there may be: more usually means an aggregate type made up from data.',
      ),
      parkedKeysMax: bound(10_000, 'How many keys may wait in the parked topic before the relay stops.'),
      stalledBytes: bound(
        64 * 1024,
        'WAL that has to wait before a position that stands still counts: more than an idle server writes by itself.',
      ),
    })
    .prefault({}),
  timing: z
    .strictObject({
      statusIntervalMs: bound(
        1000,
        'How often the position is reported to Postgres; at most a third of `timing.walSenderTimeoutMs`.',
      ),
      walSenderTimeoutMs: bound(
        10_000,
        'wal_sender_timeout of the relay’s own session: a hung relay loses the slot then.',
      ),
      idleCheckpointIntervalMs: bound(
        10_000,
        'WAL without records is checkpointed after this time at the latest.',
      ),
      idleCheckpointBytes: bound(
        16 * mebibyte,
        'WAL without records is checkpointed after this many bytes at the latest.',
      ),
      drainTimeoutMs: bound(
        10_000,
        'How long the relay may go on publishing after SIGTERM; what is left then comes again in the next session.',
      ),
      publishTimeoutMs: bound(
        30_000,
        'A batch without an answer for so long ends the session. Half of it is the timeout of a Kafka transaction, which the broker bounds by `transaction.max.timeout.ms`.',
      ),
      publicationCheckIntervalMs: bound(
        10_000,
        'How often the publications are compared with what was agreed.',
      ),
      stalledMs: bound(
        60_000,
        'A position that stands still for so long while WAL waits makes `/readyz` answer 503: longer than an ' +
          'unanswered Kafka transaction, the idle interval and the look at the WAL’s end together.',
      ),
      backOffMaxMs: bound(2000, 'The longest pause before a new session.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1').meta({ description: 'Where health, status and metrics listen.' }),
      port: z
        .number()
        .int()
        .min(0)
        .max(65_535)
        .default(8090)
        .meta({ description: 'Their port; 0 takes any free one.' }),
      metricsHost: z.string().min(1).optional().meta({
        description: 'Where metrics listen when they have a port of their own. Unset: where the others do.',
      }),
      metricsPort: z.number().int().min(0).max(65_535).optional().meta({
        description: 'A port of their own for metrics, which then are not at the other one.',
      }),
    })
    .prefault({}),
});

type Settings = z.output<typeof settings>;

/** All settings of the relay. Its reference table in docs/configuration.md is generated from here. */
export const configurationSchema = settings.superRefine(compatible);

export type Configuration = z.output<typeof configurationSchema>;

export const defaultConfigurationFile = 'diptych.config.json';

/** Reads `diptych.config.json` (or the file named) and the environment. Throws `configuration-invalid`. */
export function readConfiguration({
  file = process.env.DIPTYCH_CONFIG,
  environment = process.env,
}: {
  file?: string | undefined;
  environment?: NodeJS.ProcessEnv;
}): Configuration {
  const named = file !== undefined;
  return loadConfiguration({
    schema: configurationSchema,
    file: { path: file ?? defaultConfigurationFile, required: named },
    environment,
  });
}

/** Whether `schema.table` is a business table by the include and exclude patterns. */
export function isBusinessTable(
  qualified: string,
  { include, exclude }: Pick<Configuration['change'], 'include' | 'exclude'>,
): boolean {
  return matches(qualified, include) && !matches(qualified, exclude);
}

/** Whether a text is one of the patterns, in which `*` stands for any characters; most are names of tables, one each. */
export function matches(text: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.includes('*') ? patternExpression(pattern).test(text) : pattern === text,
  );
}
