/**
 * The mark `-- router: name=value`: an option of Debezium's Outbox Event Router, given under its name to both sides. Ours
 * has it in `outboxes`, theirs as a transformation of what comes from the table.
 * https://debezium.io/documentation/reference/3.7/transformations/outbox-event-router.html
 */
import type { RelaySettings } from '@diptych/testkit/relay-process';
import type { ConnectorConfiguration } from './connect.ts';

type Options = Readonly<Record<string, string>>;

const placement = 'table.fields.additional.placement';

/** Texts as they are, so that key and value are compared byte for byte. */
const asText: ConnectorConfiguration = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'header.converter': 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
};

/** Where there is an envelope its fields are JSON. */
const asJson: ConnectorConfiguration = {
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};

/** Ours gives the type of the event as a header always: theirs is told to, unless the type stands elsewhere. */
function theirPlacement(options: Options): string {
  const given = options[placement] ?? '';
  if (/(^|,)type:/.test(given)) return given;
  return ['type:header:eventType', given].filter((part) => part !== '').join(',');
}

export function routerOfTheirs(options: Options): ConnectorConfiguration {
  const transformation = {
    'route.topic.replacement': `%prefix%.outbox.event.\${routedByValue}`,
    ...options,
    [placement]: theirPlacement(options),
  };
  const isEnvelope = (options[placement] ?? '').includes(':envelope');
  return {
    ...asText,
    ...(isEnvelope && asJson),
    transforms: 'outbox',
    'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
    'transforms.outbox.predicate': 'isOutbox',
    ...Object.fromEntries(
      Object.entries(transformation).map(([name, value]) => [`transforms.outbox.${name}`, value]),
    ),
    predicates: 'isOutbox',
    'predicates.isOutbox.type': 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
    'predicates.isOutbox.pattern': '.*\\.outbox',
  };
}

export function routerOfOurs(router: Options): RelaySettings {
  return { DIPTYCH_OUTBOXES: JSON.stringify([{ table: 'public.outbox', router }]) };
}
