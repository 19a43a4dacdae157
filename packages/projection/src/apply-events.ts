import type { Contracts } from '@diptych/events/event-contract';
import type { DomainEvent } from '@diptych/inbox/domain-event';
import { StopInboxError } from '@diptych/inbox/effect';
import { type Generation, schemaOf, searchPathSql } from './generations.ts';
import { moveHeads } from './heads.ts';
import type { Projection, Tx } from './projection.ts';

/**
 * Applies events to a generation, in their order; those that it has had are passed over. Throws StopInboxError when the
 * generation was dropped, and what the projection throws: nothing of the transaction may be committed then.
 */
export async function applyEvents<C extends Contracts>(
  tx: Tx,
  {
    projection,
    generation,
    events,
  }: {
    readonly projection: Projection<C>;
    readonly generation: Generation;
    readonly events: readonly DomainEvent<C>[];
  },
): Promise<void> {
  await enter(tx, generation);
  for (const event of await moveHeads(tx, events)) await projection.apply(event, tx);
}

/** Nobody drops the generation before the transaction ends. */
async function enter(tx: Tx, generation: Generation): Promise<void> {
  const { rowCount } = await tx.query(
    `${searchPathSql} from projection_generations where generation = $2 for key share`,
    [schemaOf(generation), generation.generation],
  );
  if (rowCount === 1) return;
  const { projection, generation: number } = generation;
  throw new StopInboxError('projection-replaced', `generation ${number} of ${projection} is no more`, {
    remedy: 'Nothing has to be done: another generation is live.',
  });
}
