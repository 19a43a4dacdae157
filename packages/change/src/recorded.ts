/** A change on its way to its record. */
import type { PanelHeader } from '@diptych/transaction/panel-record';
import type { ChangeEvent, EventContext } from './envelope-writer.ts';
import type { RelationPlan } from './relation-plan.ts';

export interface PlannedContext extends EventContext {
  readonly plan: RelationPlan;
}

export interface Recorded extends PlannedContext {
  readonly event: ChangeEvent;
  readonly key: () => Buffer | null;
  readonly part: number;
  readonly headers?: readonly PanelHeader[];
}
