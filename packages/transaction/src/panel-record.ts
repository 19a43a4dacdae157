import type { OperatingError } from '@diptych/runtime/failure';

/**
 * A record as a panel makes it, before the relay gives it its identity header and its timestamp. Its identity is that
 * of the change it comes from, with `part`.
 */
export interface PanelRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  /** null is a tombstone, or the value of an event whose payload is null. */
  readonly value: Buffer | null;
  /** Without `diptych-tx`. */
  readonly headers: readonly PanelHeader[];
  /** 0, 1, 2 … when one change makes several records. */
  readonly part: number;
  /** Left out: by the key. `every`: one copy to each partition of the topic. */
  readonly spread?: 'every';
  /** Left out: by the key. A partition that the topic has not is refused when it is published. */
  readonly partition?: number;
  /** Overrides the commit time; ms since 1970. */
  readonly timestampMs?: number;
  /** Why the record could not be made as it should be: key and value are what is left to park of it. */
  readonly failure?: OperatingError;
}

export type PanelHeader = readonly [name: string, value: string];

/** A record without headers and partition of its own, where it was written: key and value, one behind the other. Good until the next one is. */
export interface WrittenRecord {
  readonly topic: string;
  readonly bytes: Buffer;
  readonly start: number;
  /** Where the key ends and the value begins. */
  readonly keyEnd: number;
  readonly end: number;
  /** Whether it has a key. */
  readonly isKeyed: boolean;
}

/** Gives topics their valid names. */
export interface TopicNaming {
  /**
   * The name of `topic`, valid in Kafka, for what `source` names: a table, an aggregate type. Throws OperatingError
   * `topic-name-collision` when another source has it.
   */
  of(source: string, topic: string): string;
}
