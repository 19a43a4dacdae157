/** What an error of a Kafka client means to us. Both clients wrap errors in errors: all of them are looked at. */
import { AssertionError } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { settingName, tlsRefusal } from '@diptych/runtime/tls';

/**
 * `asking` – nothing was begun: reading metadata, fencing, creating topics, reading records;
 * `publishing` – a batch was begun, so that its outcome may be unknown.
 */
export type Stage = 'asking' | 'publishing';

const fenced = ['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING'];

const tooLarge = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];

const refused = [
  'CLUSTER_AUTHORIZATION_FAILED',
  'DELEGATION_TOKEN_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_TRANSACTION_TIMEOUT',
  'POLICY_VIOLATION',
  'SECURITY_DISABLED',
  'TOPIC_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'UNSUPPORTED_VERSION',
  'PLT_KFK_UNSUPPORTED_API',
];

/** The broker says so, or the client that found no common mechanism. */
const loginRefused = [
  'ILLEGAL_SASL_STATE',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'KafkaJSSASLAuthenticationError',
  'PLT_KFK_AUTHENTICATION',
];

// Depth and count are bounded because retries collect errors of errors, thousands in a long outage.
const errorsMax = 1000;

const tlsWanted = 'Broker requires TLS.';

/** Every code, type and name in an error, its causes and its parts. */
export function errorCodes(error: unknown): Set<string> {
  const codes = new Set<string>();
  const seen = new Set<object>();
  const queue: unknown[] = [error];
  for (const one of queue) {
    if (typeof one !== 'object' || one === null || seen.has(one) || seen.size >= errorsMax) continue;
    seen.add(one);
    const parts = one as {
      [part in 'type' | 'apiId' | 'code' | 'name' | 'message' | 'cause' | 'errors']?: unknown;
    };
    for (const code of [parts.type, parts.apiId, parts.code, parts.name]) {
      if (typeof code === 'string') codes.add(code);
    }
    // The client that finds it out gives it no code of its own.
    if (parts.message === tlsWanted) codes.add(tlsWanted);
    queue.push(parts.cause);
    if (Array.isArray(parts.errors)) queue.push(...parts.errors);
  }
  return codes;
}

/**
 * The operating error for what a client threw. Ours pass through as they are; a programmer's error is thrown on.
 * An unknown topic counts as refused only while asking: in the middle of a transaction it may be a moved leader, and
 * the next session asks again.
 */
export function classify(error: unknown, stage: Stage): OperatingError {
  if (error instanceof OperatingError) return error;
  if (error instanceof AssertionError) throw error;
  const codes = errorCodes(error);
  const text = error instanceof Error ? error.message : String(error);
  const insecure = insecurity(error, codes);
  if (insecure) return insecure;
  if (fenced.some((code) => codes.has(code))) {
    return new OperatingError('publisher-fenced', `Kafka has fenced this publisher: ${text}`, {
      remedy:
        'Another relay took over the slot, or the Kafka transaction outlived its timeout. The relay starts a new session by itself.',
      cause: error,
    });
  }
  if (tooLarge.some((code) => codes.has(code))) {
    return new OperatingError('record-too-large', `Kafka refused a batch as too large: ${text}`, {
      remedy:
        "Raise the topic's max.message.bytes (and the broker's socket.request.max.bytes if it is smaller).",
      cause: error,
    });
  }
  if (
    refused.some((code) => codes.has(code)) ||
    (stage === 'asking' && codes.has('UNKNOWN_TOPIC_OR_PARTITION'))
  ) {
    return new OperatingError('kafka-refused', `Kafka refused: ${text}`, {
      remedy:
        'Check the credentials and ACLs of the relay (topics: Describe, DescribeConfigs, Read, Write; its transactional id: Describe, Write), and that the topics exist.',
      cause: error,
    });
  }
  return stage === 'asking' ? noAnswer(text, error) : outcomeUnknown(text, error);
}

/** Neither certificate nor login gets better by trying again; null when the error is about neither. */
function insecurity(error: unknown, codes: ReadonlySet<string>): OperatingError | null {
  const refusal = codes.has(tlsWanted)
    ? {
        said: 'the brokers speak TLS there',
        remedy: `Set ${settingName('kafka', 'mode')} to verify-full, or name their plain port in kafka.brokers.`,
      }
    : tlsRefusal(codes, { settings: 'kafka', address: 'kafka.brokers (…KAFKA_BROKERS)' });
  if (refusal) {
    return new OperatingError('kafka-tls-refused', `no TLS with Kafka: ${refusal.said}`, {
      remedy: refusal.remedy,
      cause: error,
    });
  }
  if (!loginRefused.some((code) => codes.has(code))) return null;
  return new OperatingError('kafka-refused-login', `Kafka refuses the login${reasonOf(codes)}`, {
    remedy:
      'Check kafka.sasl.mechanism, kafka.sasl.username and kafka.sasl.password or kafka.sasl.passwordFile (…KAFKA_SASL_*) with what ' +
      'the brokers’ listener takes.',
    cause: error,
  });
}

const reasonOf = (codes: ReadonlySet<string>): string =>
  codes.has('UNSUPPORTED_SASL_MECHANISM') ? ': its listener does not take this mechanism' : '';

function noAnswer(text: string, cause: unknown): OperatingError {
  return new OperatingError('kafka-unreachable', `Kafka does not answer: ${text}`, {
    remedy:
      'Check the broker addresses, the network and that the brokers run. Brokers that want TLS (kafka.tls.mode), a certificate of ' +
      'ours (kafka.tls.certFile) or a login (kafka.sasl.mechanism) and do not get it, or get it and do not want it, only hang up.',
    cause,
  });
}

function outcomeUnknown(text: string, cause: unknown): OperatingError {
  return new OperatingError(
    'publish-outcome-unknown',
    `nobody knows whether the batch is in Kafka: ${text}`,
    {
      remedy: 'Nothing to do: the next session reads the checkpoint and goes on from there.',
      cause,
    },
  );
}
