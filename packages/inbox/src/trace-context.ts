/** The trace that an event belongs to. https://www.w3.org/TR/trace-context/ */
import type { Contracts } from '@diptych/events/event-contract';
import { parseTraceparent, type Tracer } from '@diptych/runtime/tracing';
import type { DomainEvent } from './domain-event.ts';
import { messageOf } from './effect.ts';
import type { Handler } from './inbox-options.ts';

export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/**
 * The context in which the event was appended, as a carrier that OpenTelemetry's propagators read:
 * `propagation.extract(ROOT_CONTEXT, traceContextOf(event))`. Empty where nobody told one, or none that is well-formed.
 * `tracestate` is there when the outbox has it among its `headers`.
 */
export function traceContextOf({ headers }: { readonly headers: ReadonlyMap<string, string> }): TraceContext {
  const traceparent = headers.get('traceparent');
  const tracestate = headers.get('tracestate');
  if (traceparent === undefined || !parseTraceparent(traceparent)) return {};
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
}

/** The handler, each run of it in a span of the event's trace. A run that fails has one too. */
export function traced<C extends Contracts, Type extends keyof C & string>(
  tracer: Tracer,
  handler: Handler<C, Type>,
): Handler<C, Type> {
  if (!tracer.isOn) return handler;
  return async (event, tx) => {
    const span = startSpan(tracer, event as unknown as DomainEvent<Contracts>);
    try {
      await handler(event, tx);
      span.end();
    } catch (error) {
      span.end({ failed: error instanceof Error ? error.name : messageOf(error) });
      throw error;
    }
  };
}

const startSpan = (tracer: Tracer, event: DomainEvent<Contracts>) =>
  tracer.start({
    name: `process ${event.type}`,
    kind: 'consumer',
    parent: traceContextOf(event).traceparent,
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.destination.name': event.at.topic,
      'messaging.destination.partition.id': String(event.at.partition),
      'messaging.kafka.offset': String(event.at.offset),
      'messaging.message.id': event.id,
    },
  });
