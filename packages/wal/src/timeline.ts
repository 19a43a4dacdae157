import { assert } from '@diptych/runtime/assert';
import { type Lsn, parseLsn } from './lsn.ts';

/** When a timeline ended: the first position that belongs to its successor. */
export interface TimelineSwitch {
  readonly timeline: number;
  readonly switchLsn: Lsn;
}

/**
 * Reads a timeline history file: one line for each ancestor, `<timeline>\t<switch LSN>\t<reason>`.
 * https://www.postgresql.org/docs/18/protocol-replication.html#PROTOCOL-REPLICATION-TIMELINE-HISTORY
 */
export function parseTimelineHistory(text: string): TimelineSwitch[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [timeline = '', switchLsn = ''] = line.split(/\s+/);
      assert(/^\d+$/.test(timeline), `not a line of a timeline history: ${line}`);
      return { timeline: Number(timeline), switchLsn: parseLsn(switchLsn) };
    });
}

/** The timeline that holds the record at `position`: the first ancestor that ended after it, else the current one. */
export function timelineOf(
  position: Lsn,
  { current, history }: { current: number; history: readonly TimelineSwitch[] },
): number {
  return history.find(({ switchLsn }) => position < switchLsn)?.timeline ?? current;
}
