/**
 * Traces over the outbox: a W3C trace context is handed on from request to row to record to reader, and spans are exported by OTLP
 * where the environment says where to. Nothing of OpenTelemetry is loaded otherwise.
 * https://www.w3.org/TR/trace-context/ https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
import { OperatingError } from './failure.ts';
import type { Logger } from './log.ts';

export interface SpanStart {
  /** What is done and to what, of few kinds: `process CartCheckedOut`. */
  readonly name: string;
  readonly kind: 'server' | 'producer' | 'consumer';
  /** A `traceparent`; what is none begins a trace of its own. */
  readonly parent: string | undefined;
  /** Names of topics and types, counts; never a value of a row. */
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** ms since 1970; default now. */
  readonly startMs?: number;
}

export interface Span {
  /** What is handed on: this span's `traceparent`; its parent's where spans are not exported. */
  readonly traceparent: string | undefined;
  /** It is over, now. `failed`: why it did not come about, in words without values. */
  end(ended?: { readonly attributes?: SpanStart['attributes']; readonly failed?: string | undefined }): void;
}

export interface Tracer {
  /** Whether spans go anywhere: what costs something to find out need not be, if not. */
  readonly isOn: boolean;
  start(start: SpanStart): Span;
  /** Sends what waits, for some seconds at most. Never throws. */
  close(): Promise<void>;
}

/** No spans: what is handed in is handed on. */
export const noTracer: Tracer = {
  isOn: false,
  start: ({ parent }) => ({ traceparent: parent, end: () => {} }),
  close: () => Promise.resolve(),
};

/** Exporting as its variables say. Read at the start. */
export interface OtlpSettings {
  readonly serviceName: string;
  /** Of the traces that begin here, how many are recorded; one that comes from elsewhere has decided already. */
  readonly ratio: number;
}

/**
 * The tracer that the variables of OpenTelemetry ask for (docs/observe.md): that without spans unless an endpoint is named. Throws
 * OperatingError `configuration-invalid` for what they ask and we do not do.
 */
export async function openTracer({
  service,
  environment,
  log,
}: {
  service: string;
  environment: NodeJS.ProcessEnv;
  log: Logger;
}): Promise<Tracer> {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER = 'otlp', OTEL_SERVICE_NAME } = environment;
  const endpoint = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint || OTEL_SDK_DISABLED === 'true' || OTEL_TRACES_EXPORTER === 'none') return noTracer;
  if (!/^https?:\/\/[^\s/]/.test(endpoint)) throw invalid('OTEL_EXPORTER_OTLP_ENDPOINT', 'is no URL of http');
  if (OTEL_TRACES_EXPORTER !== 'otlp') throw invalid('OTEL_TRACES_EXPORTER', 'may be otlp or none');
  const protocol =
    environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || environment.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/json';
  if (protocol !== 'http/json') throw invalid('OTEL_EXPORTER_OTLP_PROTOCOL', 'may be http/json');
  const { openOtlpTracer } = await import('./otlp-tracer.ts');
  return openOtlpTracer({ serviceName: OTEL_SERVICE_NAME || service, ratio: ratioOf(environment) }, log);
}

function ratioOf({ OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG = '1' }: NodeJS.ProcessEnv): number {
  switch (OTEL_TRACES_SAMPLER || 'parentbased_always_on') {
    case 'parentbased_always_on':
      return 1;
    case 'parentbased_always_off':
      return 0;
    case 'parentbased_traceidratio': {
      const ratio = Number(OTEL_TRACES_SAMPLER_ARG);
      if (ratio >= 0 && ratio <= 1) return ratio;
      throw invalid('OTEL_TRACES_SAMPLER_ARG', 'has to be a number from 0 to 1');
    }
    default:
      throw invalid('OTEL_TRACES_SAMPLER', 'may be parentbased_always_on, …_always_off or …_traceidratio');
  }
}

const invalid = (variable: string, what: string): OperatingError =>
  new OperatingError('configuration-invalid', `${variable} ${what}`, {
    remedy: 'Correct it, or take it out: docs/observe.md says which variables of OpenTelemetry count here.',
  });

/** The parts of a `traceparent`. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
}

/**
 * Undefined for what is not well-formed, which the standard wants ignored.
 * https://www.w3.org/TR/trace-context/#traceparent-header-field-values
 */
export function parseTraceparent(text: string | undefined): TraceParent | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '') ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId))
    return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}
