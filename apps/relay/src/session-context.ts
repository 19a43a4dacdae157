import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { SourceSystem } from '@diptych/wal/server';
import type { Board } from './board.ts';
import type { Configuration } from './configuration.ts';
import type { Destination } from './destination.ts';
import type { Metrics } from './metrics.ts';

/** What a session works with. */
export interface SessionContext {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly source: SourceSystem;
  readonly destination: Destination;
  readonly board: Board;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Go on although changes were lost: the operator said so (`--accept-gap`). */
  readonly acceptGap: boolean;
  /** Place keys in all partitions that there are: the operator said so (`--accept-partitions`). */
  readonly acceptPartitions: boolean;
}
