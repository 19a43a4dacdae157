import type { Lsn } from '@diptych/wal/lsn';
import type { Mutant } from './mutants.ts';
import type { Postgres } from './postgres.ts';
import type { Process } from './process.ts';
import type { ReplicationLink } from './replication-link.ts';
import type { World } from './world.ts';

/** Asks on an ordinary connection for the position of the slot; null when the server is down or the slot another session's. */
export function inspectSlot(
  context: {
    readonly world: World;
    readonly postgres: Postgres;
    readonly process: Process;
    readonly rules: Mutant;
  },
  link: ReplicationLink,
  hear: (confirmed: Lsn | null) => void,
): void {
  const { world, postgres, process, rules } = context;
  const connection = {};
  world.agenda.after(process.travelMs(world.requestDelayMs()), () => {
    const { isDown, confirmed } = postgres;
    const isOurs = postgres.isSlotHeldBy(link) || rules.deviation === 'trust-slot-of-another';
    world.agenda.after(process.travelMs(world.latencyMs()), () =>
      process.deliver(connection, () => hear(isDown || !isOurs ? null : confirmed)),
    );
  });
}
