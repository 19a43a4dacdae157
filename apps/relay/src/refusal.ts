import type { Progress, RefusalCode } from '@diptych/delivery/protocol';
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { formatLsn } from '@diptych/wal/lsn';
import type { SourceSystem } from '@diptych/wal/server';
import type { Configuration } from './configuration.ts';

/** What the state machine refused, in words for the operator. */
export function refusal(code: RefusalCode, { slot, prefix }: Configuration): OperatingError {
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
          'Somebody moved it or made it anew. `diptych init --from-slot` goes on from the slot’s position, with that gap; ' +
          '`diptych snapshot` reads the tables if you need what lies between.',
      });
    case 'publish-outcome-unknown':
      return new OperatingError(
        code,
        'Kafka did not answer in time: nobody knows whether the batch is there',
        {
          remedy: 'The relay starts over from the checkpoint; check the brokers if it stays.',
        },
      );
    default:
      return unreachable(code);
  }
}

/** Whether the checkpoint was written for this database. */
export const isOwn = (checkpoint: Checkpoint, { systemId, database }: SourceSystem): boolean =>
  checkpoint.systemId === systemId && checkpoint.database === database;

/** Two databases that share one Kafka and one name would overwrite each other's checkpoint. */
export function refuseForeign(checkpoint: Checkpoint | null, source: SourceSystem): void {
  if (!checkpoint || isOwn(checkpoint, source)) return;
  const { systemId, database } = source;
  const theirs = `${checkpoint.systemId}/${checkpoint.database}`;
  throw new OperatingError(
    'checkpoint-foreign',
    `the checkpoint is that of ${theirs}, not ${systemId}/${database}`,
    {
      remedy:
        'Two databases share one Kafka: give each its own DIPTYCH_PREFIX or DIPTYCH_SLOT. If the other one is gone for ' +
        'good (restored or upgraded, under a new system identifier), delete the checkpoint topic and run ' +
        '`diptych init --from-slot`.',
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

/** Whether a record was refused for its size. */
export const isTooLarge = (error: unknown): boolean =>
  error instanceof OperatingError && error.code === 'record-too-large';

/** A position for the log. */
export function describeProgress({ lsn, part, reportedLsn }: Progress): Record<string, unknown> {
  return {
    lsn: formatLsn(lsn),
    part: part && { lsn: formatLsn(part.lsn), seq: part.seq },
    reportedLsn: formatLsn(reportedLsn),
  };
}
