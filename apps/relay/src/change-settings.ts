/** The settings of the change panel, as its encoder takes them. */

import { ColumnRules } from '@diptych/change/column-rules';
import type { ChangeEncoderOptions } from '@diptych/change/encoder-options';
import type { TypeCatalogue } from '@diptych/change/type-catalogue';
import { debeziumModes, exactModes, type ValueModes } from '@diptych/change/value-modes';
import type { Configuration } from './configuration.ts';

type ChangeSettings = Configuration['change'];

/** Debezium's `unavailable.value.placeholder`. */
const debeziumPlaceholder = '__debezium_unavailable_value';

/** Each mode as it was chosen alone, else as `compat` has it. */
export function valueModes(change: ChangeSettings): ValueModes {
  const { decimals, times, intervals, binary, hstore, unknownTypes } = change;
  const chosen = { decimals, times, intervals, binary, hstore, unknownTypes };
  return {
    ...(change.compat === 'debezium' ? debeziumModes : exactModes),
    // A schema says list, and an array that is a string for its bounds would not be one.
    ...(change.schemas === 'inline' ? { shapes: 'debezium' as const } : {}),
    ...Object.fromEntries(Object.entries(chosen).filter(([, mode]) => mode !== undefined)),
  };
}

/** Whether each transaction has a BEGIN in the transaction topic. */
export function beginsTransactions({ compat, begin = compat === 'debezium' }: ChangeSettings): boolean {
  return begin;
}

/** What the encoder of change events takes of them. */
export function encoderSettings(
  change: ChangeSettings,
  types: TypeCatalogue,
): Pick<ChangeEncoderOptions, 'representation' | 'tombstones' | 'truncates' | 'messages'> {
  const isCompatible = change.compat === 'debezium';
  const { truncates = !isCompatible, messages = isCompatible, placeholder } = change;
  const fallback = isCompatible ? debeziumPlaceholder : null;
  return {
    representation: {
      types,
      modes: valueModes(change),
      schemas: change.schemas,
      columns: new ColumnRules({ ...change.columns, key: change.keyColumns, salt: change.columns.hashSalt }),
      placeholder: placeholder === undefined ? fallback : placeholder === '' ? null : placeholder,
    },
    tombstones: change.tombstones,
    truncates,
    messages: messages
      ? { include: change.messagePrefixes.include, exclude: change.messagePrefixes.exclude }
      : null,
  };
}
