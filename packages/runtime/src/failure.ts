/**
 * Operating errors: the world is not as it must be. Each code says what may be done about it:
 * `timed` – it may pass by itself: back off and try again;
 * `operator` – a person has to change something, the remedy says what;
 * `never` – trying again gives the same answer.
 * Each code is documented in `docs/errors.md`; `tidy.test.ts` compares the two.
 */
export const failures = {
  // configuration and command line
  'configuration-invalid': 'operator',
  'prerequisite-missing': 'operator',
  // the stack of tests and demos
  'server-not-started': 'operator',
  'relay-ended': 'operator',
  'port-taken': 'operator',
  'download-failed': 'timed',
  // Postgres
  'postgres-unreachable': 'timed',
  'postgres-refused-login': 'operator',
  'postgres-tls-refused': 'operator',
  'postgres-privilege-missing': 'operator',
  'postgres-version-unsupported': 'operator',
  'postgres-refused-query': 'operator',
  'postgres-is-standby': 'timed',
  'wal-level-not-logical': 'operator',
  'replication-slots-exhausted': 'operator',
  'replication-ended': 'timed',
  'replica-identity-unusable': 'operator',
  'outbox-not-partitioned': 'operator',
  // slot, publication, checkpoint
  'slot-missing': 'operator',
  'slot-invalid': 'operator',
  'slot-held': 'timed',
  'slot-lost': 'operator',
  'slot-moved-or-recreated': 'operator',
  'publication-lost': 'operator',
  'publication-changed': 'operator',
  'publication-unsuitable': 'operator',
  'checkpoint-missing': 'operator',
  'checkpoint-foreign': 'operator',
  'checkpoint-unreadable': 'operator',
  'options-changed': 'operator',
  'timeline-stale': 'timed',
  'kafka-ahead-of-database': 'operator',
  'skip-refused': 'operator',
  // Kafka
  'kafka-unreachable': 'timed',
  'kafka-refused': 'operator',
  'kafka-refused-login': 'operator',
  'kafka-tls-refused': 'operator',
  'topic-not-creatable': 'operator',
  'topic-name-collision': 'operator',
  'topics-exhausted': 'operator',
  'record-too-large': 'operator',
  'row-too-large': 'operator',
  'row-exceeds-server-limit': 'operator',
  'records-expired': 'operator',
  'publish-outcome-unknown': 'timed',
  'publisher-fenced': 'timed',
  'topic-limits-changed': 'timed',
  'partitions-changed': 'operator',
  // parking
  'parked-keys-exhausted': 'operator',
  'parked-record-refused': 'operator',
  'parked-command-unanswered': 'timed',
  // snapshots
  'snapshot-table-without-key': 'operator',
  'snapshot-refused': 'operator',
  'snapshot-command-unanswered': 'timed',
  // data
  'wal-message-malformed': 'never',
  'outbox-row-malformed': 'operator',
  'payload-refused': 'operator',
  'payload-not-maskable': 'operator',
  'value-not-representable': 'operator',
  'outbox-operation-invalid': 'operator',
  'record-unreadable': 'operator',
  'comparison-exhausted': 'operator',
  'comparison-state-refused': 'operator',
  'comparison-database-away': 'timed',
  'price-refused': 'operator',
  'replay-refused': 'operator',
  'commit-token-malformed': 'operator',
  'commit-not-published': 'timed',
  'event-malformed': 'operator',
  'contract-unknown-version': 'operator',
  'event-contradictory': 'operator',
  'history-incomplete': 'operator',
  'handler-failed': 'operator',
  'inbox-database-away': 'timed',
  'projection-replaced': 'never',
  'projection-rebuild-refused': 'operator',
} as const satisfies Record<string, Retry>;

export type Retry = 'timed' | 'operator' | 'never';
export type FailureCode = keyof typeof failures;

/** An operating error: its code, whether trying again may help, and one sentence that says the way out. */
export class OperatingError extends Error {
  override readonly name = 'OperatingError';
  readonly code: FailureCode;
  readonly retry: Retry;
  readonly remedy: string;

  constructor(code: FailureCode, message: string, { remedy, cause }: { remedy: string; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retry = failures[code];
    this.remedy = remedy;
  }
}

/** The operating error that this is; anything else is a bug of ours and is thrown on, to crash. */
export function operating(error: unknown): OperatingError {
  if (error instanceof OperatingError) return error;
  throw error;
}
