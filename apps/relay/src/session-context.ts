import type { Logger } from '@diptych/runtime/log';
import type { Tracer } from '@diptych/runtime/tracing';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { SourceSystem } from '@diptych/wal/server';
import type { Board } from './board.ts';
import type { Configuration } from './configuration.ts';
import type { Destination } from './destination.ts';
import type { Metrics } from './metrics.ts';
import type { ExportedSnapshot } from './snapshot/exported-snapshot.ts';

/** What the operator said to go on over: what is found at the start, and nothing that comes later. */
export interface Accepted {
  /** Changes that were lost with a publication (`--accept-gap`). */
  readonly acceptGap: boolean;
  /** Partitions that topics have now: keys are placed in all of them (`--accept-partitions`). */
  readonly acceptPartitions: boolean;
  /** What Kafka holds and a promoted server never had (`--accept-phantoms`). */
  readonly acceptPhantoms: boolean;
}

export const acceptedNothing: Accepted = {
  acceptGap: false,
  acceptPartitions: false,
  acceptPhantoms: false,
};

/** The configured tables are read once more (`snapshot.mode: always`), once, however many sessions that takes. */
export interface Again {
  isDue: boolean;
}

/** What a session works with. */
export interface SessionContext extends Accepted {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly source: SourceSystem;
  readonly destination: Destination;
  readonly board: Board;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Left out: no spans. */
  readonly tracer?: Tracer;
  /** The state that a new slot begins with: its tables are read before its stream. */
  readonly exported: ExportedSnapshot | null;
  readonly again: Again;
}
