/** How a session of the model finds out what became of its batch, as `apps/relay/src/recovery.ts` does: until Kafka answers. */
import type { Progress } from '@diptych/delivery/protocol';
import type { Kafka } from './kafka.ts';
import type { Mutant } from './mutants.ts';
import { timing } from './plan.ts';
import type { Process } from './process.ts';
import type { Publisher } from './publisher.ts';
import type { World } from './world.ts';

export interface RecoveringSession {
  isOver(): boolean;
  ask<T>(question: (kafka: Kafka) => T, hear: (answer: T) => void, fail: () => void): void;
  /** Heard when the slot is still ours; the session fails when it is not. */
  inspectSlot(hear: () => void): void;
  /** A new one in the place of the one that had no answer. */
  replacePublisher(): Publisher;
  hear(progress: Progress | null, floor: Progress | null): void;
}

export function recover(
  context: { readonly world: World; readonly process: Process; readonly rules: Mutant },
  session: RecoveringSession,
): void {
  const { world, process, rules } = context;
  const { deviation } = rules;
  const again = () => recover(context, session);
  const read = () =>
    session.ask(
      (kafka) => ({ floor: kafka.adopt(), progress: kafka.readCheckpoint(deviation) }),
      ({ floor, progress }) => session.hear(progress, floor),
      again,
    );
  const fence = () => session.replacePublisher().fence((ok) => (ok ? read() : again()));
  world.coverage.recoveries += 1;
  process.after(world.random.between(timing.backOffMinMs, timing.backOffMaxMs), () => {
    if (session.isOver()) return;
    if (deviation === 'recover-without-fence') return read();
    session.ask(
      (kafka) => kafka.readCheckpoint(deviation),
      () => session.inspectSlot(fence),
      again,
    );
  });
}
