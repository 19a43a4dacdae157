/** What a read model is: tables, what each event does to them, and a version of both. */
import type { Contracts } from '@diptych/events/event-contract';
import type { DomainEvent } from '@diptych/inbox/domain-event';
import { assert } from '@diptych/runtime/assert';
import type { ClientBase } from 'pg';

/** A transaction in which the tables of one generation are meant by their plain names. */
export type Tx = Pick<ClientBase, 'query'>;

export interface Projection<C extends Contracts> {
  /** Of `[a-z0-9_]`, at most 30: schemas and consumer groups are called by it. */
  readonly name: string;
  /** Raised with each change of what follows: a service of a newer version rebuilds by itself. From 1. */
  readonly version: number;
  /** SQL that makes its tables and views, by plain names. Each generation has its own. */
  readonly schema: string;
  /** Those that are read, as `projections.<name>`, whatever generation is live. No two projections show the same name. */
  readonly shows: readonly string[];
  /**
   * What an event does to the tables, by nothing but the event and the tables: no clock, no chance, no other generation, so
   * that a rebuild comes to the same. It is given each event once, those of an aggregate in their order. What it throws is
   * tried again, then the event is parked with its aggregate.
   */
  readonly apply: (event: DomainEvent<C>, tx: Tx) => Promise<void>;
}

const plainName = /^[a-z][a-z0-9_]{0,29}$/;

/** Asserts that the projections can be told apart, by their names and by what they show. */
export function assertDistinct<C extends Contracts>(projections: readonly Projection<C>[]): void {
  const names = projections.map(({ name }) => name);
  const shown = projections.flatMap(({ shows }) => shows);
  for (const all of [names, shown]) {
    assert(new Set(all).size === all.length, `a name is there twice: ${all.join(', ')}`);
    for (const name of all) assert(plainName.test(name), `not a plain name: ${name}`);
  }
}
