/** What can be set of one outbox: under the names of Debezium's Outbox Event Router where it has the option too. */
import { parsePlacements, type RouterOptions } from '@diptych/outbox/router-options';
import { type TopicRoute, topicRoute } from '@diptych/outbox/topic-route';
import { z } from 'zod';
import type { CloudEventSettings } from './outbox-cloud-events.ts';

const column = (fallback: string, description: string) =>
  z.string().min(1).default(fallback).meta({ description });

/** As Kafka Connect's configuration has it, a truth may be a text. */
const truth = (fallback: boolean, description: string) =>
  z
    .union([z.boolean(), z.enum(['true', 'false'])])
    .default(fallback)
    .meta({ description });

const router = z.strictObject({
  'table.field.event.id': column('id', 'The column of the event’s id: header `id`.'),
  'table.field.event.key': column('aggregateid', 'The column that becomes the key.'),
  'table.field.event.type': column(
    'type',
    'The column of the event’s type: header `eventType`, counted in END.',
  ),
  'table.field.event.payload': column('payload', 'The column that becomes the value.'),
  'table.field.event.timestamp': z.string().min(1).optional().meta({
    description:
      'A column of `timestamp` or `timestamptz` that becomes the record’s timestamp; null, or not set: the commit time.',
  }),
  'table.fields.additional.placement': z
    .string()
    .default('')
    .meta({
      description:
        'Further columns, `column:placement[:alias]` with commas between; placement is `header`, `envelope` or `partition`. ' +
        'With an envelope the value is `{"payload": …, "<alias>": …}`.',
    }),
  'table.fields.additional.error.on.missing': truth(
    true,
    'Whether a further column that the table lacks makes its rows malformed, or is left out.',
  ),
  'table.expand.json.payload': truth(
    false,
    'Whether the payload is written as JSON without blanks (in an envelope: as JSON, not as text), or byte for byte as stored.',
  ),
  'table.json.payload.null.behavior': z.enum(['ignore', 'optional_bytes']).default('ignore').meta({
    description: 'Of an expanded payload: members that are null are left out, or kept.',
  }),
  'table.op.invalid.behavior': z.enum(['warn', 'error', 'fatal']).default('warn').meta({
    description: 'An UPDATE of an outbox row is no event: it is logged so, or stops the relay.',
  }),
  'route.by.field': column('aggregatetype', 'The column whose value decides the topic.'),
  'route.topic.regex': z.string().default('(?<routedByValue>.*)').meta({
    description: 'A value that it matches as a whole is replaced; any other is the topic itself.',
  }),
  'route.topic.replacement': z.string().optional().meta({
    description: `The topic; \`\${name}\` and \`$1\` are groups of the expression. Default: \`outbox.topicPrefix\` and \`\${routedByValue}\`.`,
  }),
  'route.tombstone.on.empty.payload': truth(
    false,
    'Whether a payload that is null, empty or blank is a null value, also where there is an envelope.',
  ),
});

type Router = z.output<typeof router>;

/** One entry of `outboxes`. */
export const outboxSchema = z
  .strictObject({
    table: z
      .string()
      .regex(/^[^.]+\.[^.]+$/, 'takes schema.table')
      .optional()
      .meta({ description: 'The outbox table, `schema.table`. This, or `message`.' }),
    message: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The outbox of logical messages with the prefix `diptych.outbox:<this name>`.' }),
    onPoison: z.enum(['park', 'stop']).optional().meta({
      description: 'What becomes of its events that can never be published. Default: `outbox.onPoison`.',
    }),
    headers: z
      .array(z.string().regex(/^(?!diptych-).+$/, 'takes no name that begins with diptych-'))
      .default(['traceparent'])
      .meta({ description: 'Members of the column `headers` that become headers of the record.' }),
    contracts: z
      .strictObject({
        directory: z.string().min(1).meta({
          description:
            'Where the published schemas are, `<type>.v<version>.json`. Read when a session begins.',
        }),
        unknown: z.enum(['refuse', 'publish']).default('refuse').meta({
          description: 'An event of a type or version without a schema follows `onPoison`, or is published.',
        }),
      })
      .optional()
      .meta({ description: 'Checks payloads; what a schema refuses follows `onPoison`. Not set: no check.' }),
    cloudEvents: z
      .strictObject({
        source: z.string().min(1).meta({ description: 'Who tells: a URI of the service, as `/shop`.' }),
        schemaBase: z
          .string()
          .min(1)
          .optional()
          .meta({ description: 'Before `<type>.v<version>.json`: where readers find the schema.' }),
        mode: z.enum(['binary', 'structured']).default('binary').meta({
          description:
            'Attributes as headers `ce_…` beside the value, or in the value: `{…, "data": <payload>}` (`application/cloudevents+json`).',
        }),
      })
      .optional()
      .meta({ description: 'Events are CloudEvents. Not set: none of it.' }),
    router: router.prefault({}),
  })
  .superRefine(({ table, message, router: options }, context) => {
    if ((table === undefined) === (message === undefined)) {
      context.addIssue({
        code: 'custom',
        path: ['table'],
        message: 'an outbox has either a table or a message',
      });
    }
    check('table.fields.additional.placement', () =>
      parsePlacements(options['table.fields.additional.placement']),
    );
    check('route.topic.regex', () => new RegExp(options['route.topic.regex']));
    check('route.topic.replacement', () => routeOf(options, ''));

    function check(name: keyof Router, read: () => unknown): void {
      try {
        read();
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        context.addIssue({ code: 'custom', path: ['router', name], message: error.message });
      }
    }
  });

export type OutboxSettings = z.output<typeof outboxSchema>;

/** A setting that is not there is no setting that is undefined. Null: its events are no CloudEvents. */
export function cloudEventSettings({ cloudEvents, router: set }: OutboxSettings): CloudEventSettings | null {
  if (!cloudEvents) return null;
  const { source, schemaBase, mode } = cloudEvents;
  const keepsTombstones = isOn(set['route.tombstone.on.empty.payload']);
  return { source, mode, keepsTombstones, ...(schemaBase === undefined ? {} : { schemaBase }) };
}

const isOn = (value: boolean | 'true' | 'false') => value === true || value === 'true';

/** How the rows of an outbox are routed. `topicPrefix`: that of the common settings. */
export function routerOptions({ headers, router: set }: OutboxSettings, topicPrefix: string): RouterOptions {
  return {
    columns: {
      id: set['table.field.event.id'],
      key: set['table.field.event.key'],
      type: set['table.field.event.type'],
      payload: set['table.field.event.payload'],
      timestamp: set['table.field.event.timestamp'] ?? null,
    },
    routeBy: set['route.by.field'],
    topic: routeOf(set, topicPrefix),
    placements: parsePlacements(set['table.fields.additional.placement']),
    missingColumns: isOn(set['table.fields.additional.error.on.missing']) ? 'error' : 'ignore',
    expandJson: isOn(set['table.expand.json.payload'])
      ? { nulls: set['table.json.payload.null.behavior'] === 'ignore' ? 'ignore' : 'keep' }
      : null,
    tombstoneOnEmpty: isOn(set['route.tombstone.on.empty.payload']),
    onUpdate: set['table.op.invalid.behavior'],
    headers,
  };
}

/** The prefix has no character that means something in a replacement. */
function routeOf(set: Router, topicPrefix: string): TopicRoute {
  const regex = set['route.topic.regex'];
  const replacement = set['route.topic.replacement'] ?? `${topicPrefix}\${routedByValue}`;
  return topicRoute({ regex, replacement });
}
