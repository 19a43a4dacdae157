/** A domain event's CloudEvents attributes. https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md */

export interface Told {
  /** UUID of the event. */
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly aggregateType: string;
  readonly aggregateId: string;
  readonly occurredAt: Date;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly traceparent?: string;
}

export interface CloudEventOptions {
  /** Who tells: a URI of the service, `/shop`. */
  readonly source: string;
  /** Where the schemas are published; each is at `<base><type>.v<version>.json`. */
  readonly schemaBase?: string;
}

/** The attributes, each a text. In Kafka's binary mode each is a header `ce_<name>`. */
export function cloudEventAttributes(
  event: Told,
  { source, schemaBase }: CloudEventOptions,
): Record<string, string> {
  const optional = {
    correlationid: event.correlationId,
    causationid: event.causationId,
    traceparent: event.traceparent,
    dataschema: schemaBase === undefined ? undefined : `${schemaBase}${event.type}.v${event.version}.json`,
  };
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type: `${event.aggregateType}.${event.type}.v${event.version}`,
    subject: event.aggregateId,
    time: event.occurredAt.toISOString(),
    datacontenttype: 'application/json',
    ...Object.fromEntries(
      Object.entries(optional).filter((pair): pair is [string, string] => pair[1] !== undefined),
    ),
  };
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#32-binary-content-mode */
export function cloudEventHeaders(
  attributes: Readonly<Record<string, string>>,
): (readonly [string, string])[] {
  return Object.entries(attributes).map(([name, value]) =>
    name === 'datacontenttype' ? ['content-type', value] : [`ce_${name}`, value],
  );
}

/** https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md#33-structured-content-mode */
export const structuredContentType = 'application/cloudevents+json; charset=utf-8';

/**
 * The event as one JSON document, its data byte for byte where that is JSON; another text is a string, null is left out.
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function structuredCloudEvent(
  attributes: Readonly<Record<string, string>>,
  data: Buffer | null,
): Buffer {
  if (data === null) {
    const { datacontenttype: _, ...rest } = attributes;
    return Buffer.from(JSON.stringify(rest));
  }
  const isDocument = isJson(data);
  const type = isDocument ? {} : { datacontenttype: 'text/plain; charset=utf-8' };
  const head = JSON.stringify({ ...attributes, ...type }).slice(0, -1);
  const body = isDocument ? data : Buffer.from(JSON.stringify(data.toString()));
  return Buffer.concat([Buffer.from(`${head},"data":`), body, Buffer.from('}')]);
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString());
    return true;
  } catch {
    return false;
  }
}
