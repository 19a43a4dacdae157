/** Domain events as CloudEvents, in the binary or the structured mode of the Kafka binding. */
import {
  type CloudEventOptions,
  cloudEventAttributes,
  cloudEventHeaders,
  structuredCloudEvent,
  structuredContentType,
} from '@diptych/events/cloud-event';
import type { PanelHeader } from '@diptych/transaction/panel-record';

export interface EventFacts {
  /** The value that the outbox is routed by. */
  readonly aggregateType: string;
  readonly key: Buffer | null;
  /** Those of the record so far. */
  readonly headers: readonly PanelHeader[];
  /** The record's timestamp, ms since 1970. */
  readonly timestampMs: number;
}

export interface CloudEventSettings extends CloudEventOptions {
  readonly mode: 'binary' | 'structured';
  /** A null value is one that was asked for: it stays null. */
  readonly keepsTombstones: boolean;
}

/**
 * The headers that are added, and the value: in structured mode the whole event. Correlation and causation are told when
 * the outbox has them as headers.
 */
export function asCloudEvent(
  { value, ...facts }: EventFacts & { readonly value: Buffer | null },
  { mode, keepsTombstones, ...options }: CloudEventSettings,
): { readonly headers: readonly PanelHeader[]; readonly value: Buffer | null } {
  const attributes = attributesOf(facts, options);
  if (mode === 'binary' || (value === null && keepsTombstones))
    return { headers: cloudEventHeaders(attributes), value };
  return {
    headers: [['content-type', structuredContentType]],
    value: structuredCloudEvent(attributes, value),
  };
}

function attributesOf(facts: EventFacts, options: CloudEventOptions): Record<string, string> {
  const { aggregateType, key, headers, timestampMs } = facts;
  const has = new Map(headers);
  const optional = {
    correlationId: has.get('correlationId'),
    causationId: has.get('causationId'),
    traceparent: has.get('traceparent'),
  };
  return cloudEventAttributes(
    {
      ...{ id: has.get('id') ?? '', type: has.get('eventType') ?? '', aggregateType },
      version: Number(has.get('eventVersion') ?? 1),
      aggregateId: key?.toString() ?? '',
      occurredAt: new Date(timestampMs),
      ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as Partial<
        Record<keyof typeof optional, string>
      >),
    },
    options,
  );
}
