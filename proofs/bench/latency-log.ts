/** When each event was written, and how much later it was there. */
import { assert, present } from '@diptych/runtime/assert';
import type { Latencies } from './latency-consumer.ts';
import { percentile, round } from './statistics.ts';
import { writtenAtField } from './steady-load.ts';

/** Microseconds since 1970 have sixteen digits until 2286. */
const digits = 16;
const zero = 0x30;
const nine = 0x39;
const field = Buffer.from(writtenAtField);

export class LatencyLog {
  readonly #writtenAtUs: Float64Array;
  readonly #latencyUs: Float64Array;
  #received = 0;

  /** Room for so many events. */
  constructor(eventsMax: number) {
    this.#writtenAtUs = new Float64Array(eventsMax);
    this.#latencyUs = new Float64Array(eventsMax);
  }

  get received(): number {
    return this.#received;
  }

  /** An event, in whatever envelope its payload came. */
  take(value: Buffer | null | undefined, atUs: number): void {
    assert(this.#received < this.#writtenAtUs.length, 'more events than there is room for');
    const writtenAtUs = writtenAt(present(value, 'a value'));
    this.#writtenAtUs[this.#received] = writtenAtUs;
    this.#latencyUs[this.#received] = atUs - writtenAtUs;
    this.#received += 1;
  }

  /** Of those that were written within this time. */
  latencies({ fromUs, untilUs }: { fromUs: number; untilUs: number }): Latencies {
    const written = this.#writtenAtUs.subarray(0, this.#received);
    const sorted = this.#latencyUs
      .subarray(0, this.#received)
      .filter((_, index) => fromUs <= (written[index] ?? 0) && (written[index] ?? 0) < untilUs)
      .sort();
    const ms = (percent: number) => round(percentile(sorted, percent) / 1000);
    return {
      events: sorted.length,
      ...{ p50Ms: ms(50), p95Ms: ms(95), p99Ms: ms(99), p999Ms: ms(99.9), maxMs: ms(100) },
    };
  }
}

/** Its first sixteen digits behind the name of the field, without parsing the JSON, or the JSON in a string of JSON, that it is. */
function writtenAt(value: Buffer): number {
  let at = value.indexOf(field);
  assert(at >= 0, 'the event says when it was written');
  at += field.length;
  while (at < value.length && !isDigit(value[at])) at += 1;
  let number = 0;
  for (const byte of value.subarray(at, at + digits)) {
    assert(isDigit(byte), 'a time in microseconds');
    number = number * 10 + (byte - zero);
  }
  return number;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= nine;
