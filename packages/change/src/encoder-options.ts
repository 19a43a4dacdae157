import type { Relation } from '@diptych/pgoutput/relation';
import type { TopicNaming } from '@diptych/transaction/panel-record';
import type { Representation } from './column-plan.ts';
import { ColumnRules } from './column-rules.ts';
import type { MessageSettings } from './message-event.ts';
import type { PrimaryKeys } from './record-key.ts';
import type { SourceOptions } from './source-block.ts';
import { TypeCatalogue } from './type-catalogue.ts';
import { exactModes } from './value-modes.ts';

export interface ChangeEncoderOptions extends SourceOptions {
  readonly topics: TopicNaming;
  /** Which tables have change events; left out: all. Asked once for each Relation. */
  readonly publishes?: (relation: Relation) => boolean;
  /** The catalogue's primary keys, for tables whose replica identity is FULL or NOTHING. Asked once for each Relation. */
  readonly primaryKeys?: PrimaryKeys;
  /** How values, unchanged ones and single columns are represented; left out: exact, all columns as they are. */
  readonly representation?: Partial<Representation>;
  /** A tombstone after each delete (default true). */
  readonly tombstones?: boolean;
  /** A change event for each TRUNCATE (default true). */
  readonly truncates?: boolean;
  /** Events for logical messages (default none). */
  readonly messages?: MessageSettings | null;
  /** Now, in ms since 1970: the envelope's own `ts_*`, when the event was made. */
  readonly nowMs?: () => number;
}

/** What is left out is exact, and all columns as they are. */
export function representationOf({ representation }: ChangeEncoderOptions): Representation {
  return {
    types: new TypeCatalogue(),
    modes: exactModes,
    columns: new ColumnRules(),
    placeholder: null,
    schemas: 'none',
    ...representation,
  };
}
