/** Spans by OpenTelemetry's own library, as JSON over HTTP. Loaded where traces are exported, and nowhere else. */
import { DiagLogLevel, diag, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from './log.ts';
import { type OtlpSettings, parseTraceparent, type Span, type SpanStart, type Tracer } from './tracing.ts';

const kinds = { server: SpanKind.SERVER, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;

/** Spans wait here, and beyond it they are lost: a collector that is away must not fill the memory. */
const spansMax = 2048;
const exportIntervalMs = 1000;
/** A collector that does not answer holds up no end for longer. */
const exportTimeoutMs = 5000;

/** The endpoint, its headers and certificates are read by the library, from the variables of its specification. */
export function openOtlpTracer({ serviceName, ratio }: OtlpSettings, log: Logger): Tracer {
  const say = (message: string) => log.warn({ reason: message }, 'traces are not exported');
  const silent = () => {};
  diag.setLogger(
    { error: say, warn: say, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const exporter = new OTLPTraceExporter({ timeoutMillis: exportTimeoutMs });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ 'service.name': serviceName })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        ...{ exporter, maxQueueSize: spansMax, maxExportBatchSize: spansMax / 4 },
        ...{ scheduledDelayMillis: exportIntervalMs, exportTimeoutMillis: exportTimeoutMs },
      }),
    ],
  });
  const tracer = provider.getTracer('diptych');
  return {
    isOn: true,
    start: ({ name, kind, parent, attributes, startMs }) => {
      const options = { kind: kinds[kind], ...(attributes && { attributes }) };
      const begun = startMs === undefined ? options : { ...options, startTime: startMs };
      return spanOf(tracer.startSpan(name, begun, contextOf(parent)));
    },
    close: () => provider.shutdown().catch((error: unknown) => say(String(error))),
  };
}

function contextOf(parent: SpanStart['parent']) {
  const parsed = parseTraceparent(parent);
  if (!parsed) return ROOT_CONTEXT;
  const { traceId, spanId, flags: traceFlags } = parsed;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function spanOf(span: ReturnType<ReturnType<TracerProvider['getTracer']>['startSpan']>): Span {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    end: ({ attributes, failed } = {}) => {
      if (attributes) span.setAttributes(attributes);
      if (failed !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failed });
      span.end();
    },
  };
}
