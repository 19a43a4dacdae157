import { type FailureCode, OperatingError } from '@diptych/runtime/failure';
import type { Configuration } from './configuration.ts';

/** What the state machine refused, in words for the operator. */
export function refusal(code: FailureCode, { slot, prefix }: Configuration): OperatingError {
  switch (code) {
    case 'checkpoint-missing':
      return new OperatingError(
        code,
        `topic ${prefix}.checkpoint.${slot} holds no checkpoint of slot ${slot}`,
        {
          remedy:
            'Run `diptych init` for a new slot. If the topic was lost, `diptych init --from-slot` starts at the slot’s ' +
            'position; what was published after it comes again.',
        },
      );
    case 'slot-moved-or-recreated':
      return new OperatingError(code, `slot ${slot} is beyond what this relay ever reported`, {
        remedy:
          'Somebody moved or recreated it: changes in between are lost. `diptych init --from-slot` goes on from the ' +
          'slot’s position, with that gap.',
      });
    default:
      return new OperatingError(
        code,
        'Kafka did not answer in time: the outcome of the transaction is unknown',
        {
          remedy: 'The relay starts over from the checkpoint; check the brokers if it stays.',
        },
      );
  }
}
