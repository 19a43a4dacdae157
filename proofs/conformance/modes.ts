/** The two ways in which both sides are compared: each a configuration of ours and the connector's that means the same. */
import { configurationSchema } from '@diptych/relay-app/configuration';
import { settingsOf } from '@diptych/runtime/configuration';
import type { RelaySettings } from '@diptych/testkit/relay-process';
import type { ConnectorConfiguration } from './connect.ts';

export type ModeName = 'exact' | 'debezium';

export interface Mode {
  readonly name: ModeName;
  /** Settings that this relay must know for the mode to mean anything. */
  readonly needs: readonly string[];
  readonly relay: RelaySettings;
  readonly connector: ConnectorConfiguration;
}

/** docs/wire.md: our default is exact and readable; `change.compat` sets Debezium's own defaults. */
const modes: readonly Mode[] = [
  {
    name: 'exact',
    needs: [],
    // Not by default; Debezium publishes them always.
    relay: { DIPTYCH_CHANGE_MESSAGES: 'true' },
    connector: {
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'isostring',
      'interval.handling.mode': 'string',
      'hstore.handling.mode': 'map',
      // A truncate is published by default; Debezium skips it by default.
      'skipped.operations': 'none',
    },
  },
  {
    name: 'debezium',
    needs: ['change.compat'],
    // A value without a form in Debezium's defaults is set aside: the others are still to be compared.
    relay: { DIPTYCH_CHANGE_COMPAT: 'debezium', DIPTYCH_CHANGE_ON_POISON: 'park' },
    connector: {},
  },
];

const known = new Set(settingsOf(configurationSchema).map(({ path }) => path));

/** Those of these settings that the relay of this checkout does not have. */
export function unknownSettings(paths: readonly string[]): string[] {
  return paths.filter((path) => !known.has(path));
}

/** The modes that the relay of this checkout has. */
export function availableModes(): readonly Mode[] {
  return modes.filter(({ needs }) => unknownSettings(needs).length === 0);
}
