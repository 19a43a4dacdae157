/** A fault to plant, and the world that it is planted in. */

import type { RelaySettings } from '@diptych/testkit/relay-process';
import type { Stack } from '@diptych/testkit/stack';

export interface World {
  /** A superuser's, of the captured database. */
  readonly sql: (text: string) => Promise<void>;
  /** A command line of Kafka's own tools; `BROKERS` in it becomes the brokers. */
  readonly kafka: (commandLine: string) => Promise<void>;
  readonly postgres: Extract<Stack, { kind: 'embedded' }>['postgres'];
  /** The role that the doctor looks as. */
  readonly role: string;
  /** Slot and prefix of topics. */
  readonly name: string;
  /** A session of its own that stays open until the fault is over. */
  readonly openSession: (text: string) => Promise<void>;
}

export interface Fault {
  readonly name: string;
  /** The check that has to find it, and of what. */
  readonly check: string;
  readonly object?: string | ((world: World) => string);
  readonly plant: (world: World) => Promise<void>;
  /** Settings of the relay that are the fault, or go with it. */
  readonly settings?: RelaySettings;
  /** Statements that take back what the fault left besides. */
  readonly undo?: (world: World) => Promise<void>;
}
