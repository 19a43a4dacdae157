/** What becomes of a record that can never be published: `onPoison` of its panel decides, while it is made. */
import type { MessageLimits } from '@diptych/kafka/message-limits';
import type { OutgoingRecord } from '@diptych/kafka/record';
import { type FailureCode, OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { Configuration } from '../configuration.ts';
import type { ParkedKeys } from './parked-keys.ts';
import { behindParked, encodeParked, parkedId, type SetAside } from './parked-record.ts';

/** A record that was made, or what is left of one that could not be. */
export interface Candidate {
  readonly panel: SetAside['panel'];
  /** Null when its row does not tell; `record` has none then. */
  readonly topic: string | null;
  /** Its identity is the first header. */
  readonly record: OutgoingRecord;
  /** Why it could not be made. */
  readonly failure: OperatingError | null;
  /** Published before: what was decided then stands in the parked topic, and is not decided again. */
  readonly isDecided: boolean;
  /** What is referred to in place of the value, which was not made. */
  readonly original?: Buffer | undefined;
  /** Left out: what is set for its panel. */
  readonly onPoison?: 'park' | 'stop' | undefined;
}

export interface PoisonOptions {
  readonly configuration: Configuration;
  readonly limits: MessageLimits;
  readonly keys: ParkedKeys;
  /** The parked ones of the transaction that is published in part. */
  readonly decided: ReadonlySet<string>;
  /** Those that were parked after the checkpoint, and come again. */
  readonly repeated: ReadonlySet<string>;
  readonly parkedTopic: string;
  readonly log: Logger;
}

/** What is wrong with one row, and with nothing else: not a broker that is away. */
export const ofOneRow: ReadonlySet<FailureCode> = new Set([
  'outbox-row-malformed',
  'payload-refused',
  'payload-not-maskable',
  'contract-unknown-version',
  'value-not-representable',
  'topic-not-creatable',
  'topic-name-collision',
  'topics-exhausted',
]);

/** Whether a failure says that this one record cannot be made. */
export const isPoison = (error: unknown): error is OperatingError =>
  error instanceof OperatingError && ofOneRow.has(error.code);

export class Poison {
  readonly #options: PoisonOptions;

  constructor(options: PoisonOptions) {
    this.#options = options;
  }

  /** Whether no record that is not decided yet has to be parked, but for what is wrong with itself. */
  get isQuiet(): boolean {
    const { keys, repeated } = this.#options;
    return keys.size === 0 && repeated.size === 0;
  }

  /** Whether its topic takes a record that was made, as a batch of this many bytes. */
  takes(topic: string, bytes: number): boolean {
    return this.#options.limits.takes(topic, bytes);
  }

  /**
   * The record that goes to the parked topic in the candidate's place; null when the candidate itself is to be
   * published. Throws what is wrong with the candidate where the policy is `stop`, and `parked-keys-exhausted`.
   */
  park(candidate: Candidate): OutgoingRecord | null {
    const { keys, decided } = this.#options;
    const { record, topic, isDecided } = candidate;
    if (isDecided) {
      const wasParked = decided.size > 0 && decided.has(idOf(record));
      return wasParked ? this.#encode(candidate, behindParked, null) : null;
    }
    const own = this.#reason(candidate);
    const blocked = own !== null || keys.isBlocked({ topic, key: record.key }) || this.#isRepeated(record);
    if (!blocked) return null;
    const id = idOf(record);
    const parked = this.#encode(candidate, own?.code ?? behindParked, own?.message ?? null);
    keys.add({ topic, key: record.key, id, offset: null, pending: parked });
    if (own) this.#options.log.warn({ id, code: own.code, reason: own.message }, 'a record is parked');
    return parked;
  }

  /** Parked before, without a checkpoint that says so: decided otherwise now, it would be in two places. */
  #isRepeated(record: OutgoingRecord): boolean {
    const { repeated } = this.#options;
    return repeated.size > 0 && repeated.has(idOf(record));
  }

  /** What is wrong with the record itself, as far as the policy of its panel parks it. */
  #reason({ panel, failure, record, onPoison }: Candidate): OperatingError | null {
    const { configuration, limits } = this.#options;
    const policy = onPoison ?? (panel === 'domain' ? configuration.outbox : configuration.change).onPoison;
    const wrong = failure ?? tooLarge(record, limits);
    if (wrong && policy === 'stop') throw wrong;
    return wrong;
  }

  /** By reference when the parked topic itself does not take the value; without a way to park, the relay stops. */
  #encode(
    { panel, topic, record, original: raw }: Candidate,
    reason: string,
    detail: string | null,
  ): OutgoingRecord {
    const { limits, parkedTopic, configuration } = this.#options;
    const original: SetAside = { ...record, panel, topic, ...(raw ? { reference: raw } : {}) };
    const parked = { parkedTopic, slot: configuration.slot, reason, detail };
    const whole = encodeParked(original, parked);
    return limits.excess(whole) === null ? whole : encodeParked(original, { ...parked, keepValue: false });
  }
}

function idOf({ headers: [first] }: OutgoingRecord): string {
  return parkedId(first?.[1] ?? '');
}

/** What is too large of a record for its topic; null when it fits. */
export function tooLarge(record: OutgoingRecord, limits: MessageLimits): OperatingError | null {
  const bytes = limits.excess(record);
  if (bytes === null) return null;
  const { topic } = record;
  return new OperatingError(
    'record-too-large',
    `a record for the topic ${topic} takes ${bytes} bytes as a batch, the topic allows ${limits.of(topic)}`,
    { remedy: `Raise max.message.bytes of the topic ${topic} to at least ${bytes}.` },
  );
}
