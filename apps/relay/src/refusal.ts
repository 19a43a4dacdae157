import type { Progress } from '@diptych/delivery/protocol';
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { type FailureCode, OperatingError } from '@diptych/runtime/failure';
import { formatLsn } from '@diptych/wal/lsn';
import type { SourceSystem } from '@diptych/wal/server';
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

/** Two databases that share one Kafka and one name would overwrite each other's checkpoint. */
export function refuseForeign(checkpoint: Checkpoint | null, { systemId, database }: SourceSystem): void {
  if (!checkpoint || (checkpoint.systemId === systemId && checkpoint.database === database)) return;
  const theirs = `${checkpoint.systemId}/${checkpoint.database}`;
  throw new OperatingError(
    'checkpoint-foreign',
    `the checkpoint is that of ${theirs}, not ${systemId}/${database}`,
    {
      remedy: 'Two databases share one Kafka: give each its own DIPTYCH_PREFIX or DIPTYCH_SLOT.',
    },
  );
}

/** A transaction published in part can only be continued when it is cut into the same raw messages. */
export function refuseChangedOptions({ part, optionsHash }: Checkpoint, now: string): void {
  if (part === null || optionsHash === now) return;
  throw new OperatingError(
    'options-changed',
    'a transaction is published in part, and what is streamed has changed',
    {
      remedy: 'Set the publications back as they were until the relay has passed that transaction.',
    },
  );
}

/** A position for the log. */
export function describeProgress({ lsn, part, reportedLsn }: Progress): Record<string, unknown> {
  return {
    lsn: formatLsn(lsn),
    part: part && { lsn: formatLsn(part.lsn), seq: part.seq },
    reportedLsn: formatLsn(reportedLsn),
  };
}
