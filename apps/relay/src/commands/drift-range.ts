import type { DriftReport } from '@diptych/compare/drift';

/** Of each report the drifts that begin at `sinceMs`, ms since 1970, or later. Without it, all. */
export function driftsWithin(
  drift: Readonly<Record<string, DriftReport>>,
  sinceMs: number | undefined,
): Readonly<Record<string, DriftReport>> {
  if (sinceMs === undefined) return drift;
  return Object.fromEntries(
    Object.entries(drift).map(([type, report]) => {
      const drifted = report.drifted.filter(({ since }) => Date.parse(since.commitTime) >= sinceMs);
      return [type, { ...report, drifted, driftedCount: drifted.length }];
    }),
  );
}
