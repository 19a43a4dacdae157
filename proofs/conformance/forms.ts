/** How a relay of ours represents values, by its settings: what its records have to be read by. */
import { valueModes } from '@diptych/relay-app/change-settings';
import { readConfiguration } from '@diptych/relay-app/configuration';
import type { RelaySettings } from '@diptych/testkit/relay-process';

export type Forms = ReturnType<typeof valueModes>;

/** What a configuration cannot be without. */
const servers: RelaySettings = {
  DIPTYCH_DATABASE_URL: 'postgres://nobody@nowhere/none',
  DIPTYCH_KAFKA_BROKERS: 'nowhere:9092',
};

/** Throws OperatingError for settings that the relay would refuse. */
export function formsOf(settings: RelaySettings): Forms {
  return valueModes(readConfiguration({ environment: { ...servers, ...settings } }).change);
}

/** Ours: exact, readable. */
export const exactForms: Forms = formsOf({});
