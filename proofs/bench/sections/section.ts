/** A part of the full run that can be run alone. */
import type { ConnectInstallation } from '../../conformance/connect-installation.ts';
import type { BenchContext } from '../bench.ts';
import type { Competitor } from '../competitor.ts';

export interface SectionOptions {
  /** Of the full amount of work and time: 1, less to try it out. */
  readonly scale: number;
  readonly nodeArguments: readonly string[];
  readonly installation: ConnectInstallation;
}

export interface Findings {
  /** What budgets judge. */
  readonly figures: Readonly<Record<string, number>>;
  /** Each as it was, in the order in which they were taken. */
  readonly measures: readonly object[];
  /** A table of them for docs/performance.md, and what is to be said below it. */
  readonly table: string;
  /** SVG by the name of its file. */
  readonly charts: Readonly<Record<string, string>>;
}

export type Section = (context: BenchContext, options: SectionOptions) => Promise<Findings>;

/** Drains of ours before those that count: the broker's compilers are at work until then, at everybody's cost. */
export const warmUps = 5;

export const warmingUp = (ours: Competitor): Competitor[] => Array.from({ length: warmUps }, () => ours);

/** So many of something at full scale, at least one. */
export const scaled = (amount: number, { scale }: SectionOptions): number =>
  Math.max(1, Math.round(amount * scale));

/** Three rounds, the second one backwards, so that nobody is always the one after the same other. */
export const toAndFro = <T>(round: readonly T[]): T[] => [...round, ...round.toReversed(), ...round];
