import type { Drain } from './drain.ts';

/** A drain of 200 transactions, as it might have been. */
export const drain = (name: string, change: Partial<Drain> = {}): Drain => ({
  name,
  seconds: 1,
  firstRecordSeconds: 2,
  cpuSeconds: 1,
  startCpuSeconds: 1,
  walsenderCpuSeconds: 1,
  brokerCpuSeconds: 1,
  peakRssBytes: 100,
  changes: 600,
  records: 800,
  owed: 800,
  recordBytes: 80_000,
  othersShare: 0,
  ...change,
});
