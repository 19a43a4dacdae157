/** CloudEvents headers of domain events, in the binary mode of the Kafka binding. */
import { type CloudEventOptions, cloudEventAttributes, cloudEventHeaders } from '@diptych/events/cloud-event';
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

/** The headers that are added. Correlation and causation are told when the outbox has them as headers. */
export function cloudEventHeadersOf(facts: EventFacts, options: CloudEventOptions): readonly PanelHeader[] {
  const { aggregateType, key, headers, timestampMs } = facts;
  const has = new Map(headers);
  const optional = {
    correlationId: has.get('correlationId'),
    causationId: has.get('causationId'),
    traceparent: has.get('traceparent'),
  };
  const attributes = cloudEventAttributes(
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
  return cloudEventHeaders(attributes);
}
