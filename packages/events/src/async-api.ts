/** An AsyncAPI 3 document of the topics of domain events. https://www.asyncapi.com/docs/reference/specification/v3.0.0 */
import type { Contracts } from './event-contract.ts';
import { jsonSchemas } from './json-schemas.ts';

export interface Channel {
  /** As in the outbox's column `aggregatetype`. */
  readonly aggregateType: string;
  readonly topic: string;
  readonly description: string;
  readonly contracts: Contracts;
}

export interface AsyncApiOptions {
  readonly title: string;
  /** Of the document. */
  readonly version: string;
  readonly channels: readonly Channel[];
}

/** The headers of a domain event (docs/wire.md, "Records"). */
const headers = {
  type: 'object',
  required: ['diptych-tx', 'id', 'eventType', 'eventVersion', 'aggregateVersion'],
  properties: {
    'diptych-tx': { type: 'string', description: 'Identity of the transaction and of the record in it.' },
    id: { type: 'string', format: 'uuid' },
    eventType: { type: 'string' },
    eventVersion: { type: 'string', description: 'Version of the contract, from 1.' },
    aggregateVersion: { type: 'string', description: 'Place of the event in its aggregate, from 1.' },
    traceparent: { type: 'string', description: 'W3C trace context.' },
  },
};

export function asyncApi({ title, version, channels }: AsyncApiOptions): object {
  const name = (type: string, of: number) => `${type}.v${of}`;
  return {
    asyncapi: '3.0.0',
    info: { title, version },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      channels.map(({ aggregateType, topic, description, contracts }) => [
        aggregateType,
        {
          address: topic,
          description,
          messages: Object.fromEntries(
            jsonSchemas(contracts).map((one) => [
              name(one.type, one.version),
              { $ref: `#/components/messages/${aggregateType}.${name(one.type, one.version)}` },
            ]),
          ),
        },
      ]),
    ),
    operations: Object.fromEntries(
      channels.map(({ aggregateType }) => [
        `read-${aggregateType}`,
        { action: 'receive', channel: { $ref: `#/channels/${aggregateType}` } },
      ]),
    ),
    components: { messages: Object.fromEntries(channels.flatMap(messagesOf)) },
  };
}

function messagesOf({ aggregateType, contracts }: Channel): [string, object][] {
  return jsonSchemas(contracts).map(({ type, version, schema }) => {
    const { $schema: _, examples, ...payload } = schema;
    const message = {
      name: type,
      title: `${type}, version ${version}`,
      headers,
      payload,
      bindings: { kafka: { key: { type: 'string', description: 'The aggregate’s id.' } } },
      examples: Array.isArray(examples) ? examples.map((example: unknown) => ({ payload: example })) : [],
    };
    return [`${aggregateType}.${type}.v${version}`, message];
  });
}
