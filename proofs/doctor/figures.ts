/** What the proof of the doctor counts, and what it is held to. */

export interface Figures {
  planted: number;
  /** Planted and cleared by the doctor's own statements, as an operator runs them. */
  cleared: number;
  /** Cleared by `diptych doctor --fix --yes`, all at once. */
  fixed: number;
  /** Said before anything was planted. */
  readonly invented: string[];
  readonly missed: string[];
  readonly uncleared: string[];
  /** What was wrong after the statement, and not before. */
  readonly worsened: string[];
}

export const noFigures = (): Figures => ({
  ...{ planted: 0, cleared: 0, fixed: 0 },
  ...{ invented: [], missed: [], uncleared: [], worsened: [] },
});

/** Of the issue: what the doctor is to find at least. */
const faultsMin = 25;

/** Figures and limits of the line that the proof prints. A run of some faults only proves nothing of the others. */
export function verdictOf(figures: Figures, { isWhole }: { readonly isWhole: boolean }) {
  return {
    figures: { ...figures, tooFew: isWhole ? Math.max(0, faultsMin - figures.cleared) : 0 },
    limits: { missed: 0, invented: 0, uncleared: 0, worsened: 0, tooFew: 0 },
  };
}
