import type { Contracts } from '@diptych/events/event-contract';
import { type ReadAllOptions, readAll } from '@diptych/journal/read-all';

/** How many events of each type there are in some topics, and where to go on. */
export async function tally<C extends Contracts>(options: ReadAllOptions<C>) {
  const counts = new Map<string, number>();
  let { after, from } = options;
  for await (const { events, place, offsets } of readAll(options)) {
    for (const { event } of events) counts.set(event.type, (counts.get(event.type) ?? 0) + 1);
    after = place;
    from = offsets;
  }
  return { counts, after, from };
}
