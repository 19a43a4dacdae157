/** Every row of the targets, section by section, and docs/performance.md written anew. */
import { fileURLToPath } from 'node:url';
import type { Verdict } from '@diptych/runtime/verdict';
import type { Say } from '@diptych/testkit/progress';
import { Watchdog } from '@diptych/testkit/watchdog';
import { BadUse } from '../arguments.ts';
import { installConnect } from '../conformance/connect-installation.ts';
import { inArena, versions } from './bench.ts';
import { fullLimits, othersShareMax, type SectionName, sectionNames } from './budgets.ts';
import { Others } from './machine.ts';
import { circumstancesNow, type Measured, requirePlaces, writePage } from './page.ts';
import { drains } from './sections/drains.ts';
import { growth } from './sections/growth.ts';
import { latency } from './sections/latency.ts';
import type { Section, SectionOptions } from './sections/section.ts';
import { snapshot } from './sections/snapshot.ts';
import { wide } from './sections/wide.ts';
import { round } from './statistics.ts';

const sections: Record<SectionName, Section> = { drain: drains, latency, wide, snapshot, growth };
const usualPage = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));

export interface FullOptions {
  /** Names of sections, with commas, in place of all. */
  readonly only: string | null;
  readonly scale: number;
  readonly nodeArguments: readonly string[];
  /** Written at the end. Null: the one of the repository, when the run has its full scale. */
  readonly page: string | null;
  readonly say: Say;
  readonly signal: AbortSignal;
}

export async function full(options: FullOptions) {
  const { only, scale, nodeArguments, say, signal } = options;
  const startedAt = performance.now();
  const names = namesOf(only);
  const path = options.page ?? (scale === 1 ? usualPage : null);
  if (path !== null) await requirePlaces(path, names);
  // Before it writes the page, which is a change itself.
  const circumstances = circumstancesNow({ versions, scale });
  const watchdog = new Watchdog();
  const installation = await installConnect({ say, signal, watchdog });
  await watchdog.finish();
  const measured = new Map<SectionName, Measured>();
  for (const [place, name] of names.entries()) {
    say(`${name}, section ${place + 1} of ${names.length}`);
    const section = await measure(name, { scale, nodeArguments, installation, say, signal });
    measured.set(name, section);
    // At once: whatever ends the run later, this was measured.
    if (path !== null) await writePage(path, { name, measured: section }, circumstances);
  }
  const of = <T>(figure: (section: Measured) => T) =>
    Object.fromEntries([...measured].map(([name, section]) => [name, figure(section)]));
  const othersShare = of((section) => round(section.othersShare));
  const verdict: Verdict = {
    name: 'bench',
    args: { quick: false, only: names, scale, nodeArguments },
    seconds: Math.round(performance.now() - startedAt) / 1000,
    versions,
    figures: {
      ...of(({ figures }) => figures),
      othersShare,
      measures: [...measured].map(([section, { measures }]) => ({ section, measures })),
    },
    limits: fullLimits(names),
  };
  const voids = Object.entries(othersShare).filter(([, share]) => share > othersShareMax);
  const notes = [
    ...voids.map(
      ([name, share]) => `${name} is void: others took ${(share * 100).toFixed(1)} % of the machine`,
    ),
    ...(path === null ? [] : [`written: ${path}`]),
  ];
  // What is missing is, whoever else was at work.
  const isWrong = [...measured.values()].some(({ figures }) => (figures.recordsMissing ?? 0) > 0);
  return { verdict, notes, isVoid: voids.length > 0 && !isWrong };
}

/** On servers of its own, so that it finds the same whether others were measured before it or not. */
async function measure(
  name: SectionName,
  { say, signal, ...options }: SectionOptions & Pick<FullOptions, 'say' | 'signal'>,
): Promise<Measured> {
  const startedAt = performance.now();
  const others = new Others();
  const findings = await inArena({ say, signal, others }, (context) => sections[name](context, options));
  say(`${name}: done in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  return { ...findings, othersShare: others.share };
}

function namesOf(only: string | null): SectionName[] {
  return (only?.split(',') ?? sectionNames).map((name) => {
    const known = sectionNames.find((each) => each === name);
    if (known === undefined) throw new BadUse(`--only takes ${sectionNames.join(', ')}, not ${name}`);
    return known;
  });
}
