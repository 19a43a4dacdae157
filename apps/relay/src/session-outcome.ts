import type { EndReason } from '@diptych/delivery/protocol';
import { assert, unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import type { Configuration } from './configuration.ts';
import { refusal } from './refusal.ts';

export type SessionOutcome =
  | { readonly tag: 'stopped' }
  | { readonly tag: 'failed'; readonly failure: OperatingError; readonly reached: Reached };

/** How far a session came: `prepared` is behind all that an operator can accept, which is written down by then. */
export type Reached = 'nothing' | 'prepared' | 'published';

/** Why the state machine ended a session, in words. */
export function outcomeOf(
  reason: EndReason,
  {
    failure,
    reached,
    configuration,
  }: { failure: OperatingError | null; reached: Reached; configuration: Configuration },
): SessionOutcome {
  switch (reason.tag) {
    case 'stopped':
      return { tag: 'stopped' };
    case 'failed':
      assert(failure, 'a failed session has a failure');
      return { tag: 'failed', failure, reached };
    case 'refused':
      return { tag: 'failed', failure: refusal(reason.code, configuration), reached };
    default:
      return unreachable(reason);
  }
}

/** What was begun for a session that has ended meanwhile is not carried out. */
export const sessionOver = (): OperatingError =>
  new OperatingError('publish-outcome-unknown', 'the session ended before its batch was sent', {
    remedy: 'The relay begins anew from the checkpoint.',
  });
