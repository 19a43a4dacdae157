/** What each figure may be at most, from budgets.json: ratios within a run first, because those of a machine compare with nothing. */
import json from './budgets.json' with { type: 'json' };

export const sectionNames = ['drain', 'latency', 'wide', 'snapshot', 'growth'] as const;
export type SectionName = (typeof sectionNames)[number];

export interface Budget {
  /** Of the targets; 0: none of them, what must be so in any case. */
  readonly row: number;
  readonly section: SectionName;
  readonly figure: string;
  readonly max: number;
  readonly unit: 'ratio' | 'bytes' | 'seconds' | 'ms' | 'records';
  /** In words. */
  readonly measure: string;
  /** Whether a quick run judges it too. */
  readonly quick: boolean;
}

export const budgets: readonly Budget[] = json.map((budget) => ({
  ...budget,
  section: oneOf(budget.section, sectionNames),
  unit: oneOf(budget.unit, ['ratio', 'bytes', 'seconds', 'ms', 'records']),
}));

/** Beyond this share of the machine in other hands a measure says nothing, neither good nor bad. */
export const othersShareMax = 0.06;

/** Limits of a quick run, by figure. */
export const quickLimits = (): Record<string, number> => ({
  ...Object.fromEntries(budgets.filter(({ quick }) => quick).map(({ figure, max }) => [figure, max])),
  othersShare: othersShareMax,
});

/** Limits of a run of these sections, by the path of the figure. */
export const fullLimits = (sections: readonly SectionName[]): Record<string, number> => ({
  ...Object.fromEntries(
    budgets
      .filter(({ section }) => sections.includes(section))
      .map(({ section, figure, max }) => [`${section}.${figure}`, max]),
  ),
  ...Object.fromEntries(sections.map((section) => [`othersShare.${section}`, othersShareMax])),
});

function oneOf<const T extends string>(text: string, known: readonly T[]): T {
  const found = known.find((each) => each === text);
  if (found === undefined)
    throw new TypeError(`budgets.json has ${text}, which is none of ${known.join(', ')}`);
  return found;
}
