/** What is missing for the slot to survive a failover, told once and whenever it changes. */
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import { type FailoverGap, failoverGaps, observeFailover } from '@diptych/wal/failover';
import type { Board } from '../board.ts';
import type { Configuration } from '../configuration.ts';

/** Warnings, not refusals: the stream itself lacks nothing before the primary dies. Throws OperatingError. */
export async function warnOfFailoverGaps({
  catalogue,
  configuration,
  board,
  log,
}: {
  catalogue: Catalogue;
  configuration: Configuration;
  board: Board;
  log: Logger;
}): Promise<void> {
  const gaps = failoverGaps(await observeFailover(catalogue, configuration.slot));
  const said = new Set(board.failoverGaps.map(textOf));
  for (const gap of gaps) {
    if (!said.has(textOf(gap))) log.warn({ ...gap }, 'a failover would not be whole');
  }
  board.failoverGaps = gaps;
}

/** `primary synchronized_standby_slots: …`, for people. */
export const textOf = ({ on, setting, message }: FailoverGap): string => `${on} ${setting}: ${message}`;
