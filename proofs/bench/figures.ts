/** What drains come to: docs/performance.md has the keys. */
import { present } from '@diptych/runtime/assert';
import { oursName } from './diptych.ts';
import type { Drain } from './drain.ts';
import { median, round } from './statistics.ts';

type Measured = (drain: Drain) => number;

export const seconds: Measured = (drain) => drain.seconds;
export const cpuSeconds: Measured = (drain) => drain.cpuSeconds;

/** The median of ours ÷ the median of theirs, within a run: figures of a machine compare with nothing else. NaN without both. */
export function ratioTo(drains: readonly Drain[], theirs: string, figure: Measured): number {
  const at = (name: string) => median(drains.filter((drain) => drain.name === name).map(figure));
  return round(at(oursName) / at(theirs));
}

/** Of several drains of one backlog. Each figure is better when it is less. */
export function figuresOf(drains: readonly Drain[]): Record<string, number> {
  const ours = drains.filter(({ name }) => name === oursName);
  const [first, second] = ours;
  return {
    timeToRecvlogicalTcp: ratioTo(drains, 'pg_recvlogical tcp', seconds),
    timeToRecvlogicalUnix: ratioTo(drains, 'pg_recvlogical unix', seconds),
    timeToDebezium: ratioTo(drains, 'Debezium', seconds),
    cpuToDebezium: ratioTo(drains, 'Debezium', cpuSeconds),
    walsenderCpuToRecvlogical: ratioTo(drains, 'pg_recvlogical tcp', (drain) => drain.walsenderCpuSeconds),
    peakRssBytes: peakRssOf(drains),
    peakRssToDebezium: ratioTo(drains, 'Debezium', (drain) => drain.peakRssBytes),
    firstRecordSeconds: round(median(ours.map((drain) => drain.firstRecordSeconds ?? Number.NaN))),
    recordsMissing: recordsMissing(drains),
    sameToSame: round(present(second, 'the A/A').seconds / present(first, 'the first of ours').seconds),
  };
}

/** Our largest. */
export const peakRssOf = (drains: readonly Drain[]): number =>
  Math.max(...drains.filter(({ name }) => name === oursName).map((drain) => drain.peakRssBytes));

/** Too few or too many, of all that keep records. */
export const recordsMissing = (drains: readonly Drain[]): number =>
  drains.reduce((sum, { records, owed }) => sum + Math.abs((owed ?? 0) - (records ?? 0)), 0);
