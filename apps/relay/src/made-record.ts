/** A record of a panel, before it is decided whether it is published or parked. */
import { messageCollection } from '@diptych/change/message-event';
import { collectionOf } from '@diptych/change/relation-plan';
import type { DataMessage } from '@diptych/pgoutput/message';
import type { OperatingError } from '@diptych/runtime/failure';

/** Which record of the open transaction: its panel and place, and whether it was published before. */
export interface Made {
  readonly panel: 'domain' | 'change';
  readonly ordinal: number;
  readonly part: number;
  readonly isDecided: boolean;
  /** Why it cannot be published. */
  readonly failure: OperatingError | null;
  /** What the parked topic refers to in place of a value that was not made. */
  readonly original?: Buffer | undefined;
  /** What becomes of it when it can never be published; left out: what is set for its panel. */
  readonly onPoison?: 'park' | 'stop';
}

/** How END names what a parked change event is of; a TRUNCATE's are never parked. */
export const parkedCollectionOf = (message: DataMessage): string =>
  'relation' in message ? collectionOf(message.relation) : messageCollection;
