/** The measured parts of docs/performance.md: what stands between the two marks of a section; the rest is written by hand. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch, cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { othersShareMax, type SectionName } from './budgets.ts';
import type { Findings } from './sections/section.ts';
import { targetsTable } from './tables.ts';

export interface Measured extends Findings {
  readonly othersShare: number;
}

export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly commit: string;
  readonly scale: number;
}

/** Of this run. */
export function circumstancesNow(options: Pick<Circumstances, 'versions' | 'scale'>): Circumstances {
  const model = cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() ?? arch();
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: import.meta.dirname })
      .toString()
      .trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ', changed';
  return {
    ...options,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${model}, ${Math.round(totalmem() / 1e9)} GB`,
    commit: `\`${git('rev-parse', '--short', 'HEAD')}\`${changed}`,
  };
}

/** What stands of a section on the page, without its marks. */
export function sectionText(
  { name, measured }: { name: SectionName; measured: Measured },
  { date, machine, versions, commit, scale }: Circumstances,
): string {
  const { figures, table, charts, othersShare } = measured;
  const isVoid = othersShare > othersShareMax;
  const share = `${(othersShare * 100).toFixed(1)} %`;
  const words = Object.entries(versions).map(([program, version]) => `${program} ${version}`);
  const work = scale === 1 ? '' : `, ${scale} of the work: to try it out`;
  const paragraphs = [
    `${date}, ${machine}, ${words.join(', ')}, commit ${commit}${work}; others took ${share} of the machine.`,
    isVoid ? `**Void**: that is more than ${othersShareMax * 100} %.` : '',
    targetsTable(name, { figures, isVoid }),
    table,
    Object.keys(charts)
      .map((file) => `![${file.replace(/\.svg$/, '').replaceAll('-', ' ')}](images/${file})`)
      .join('\n'),
  ];
  return paragraphs.filter((text) => text !== '').join('\n\n');
}

/** The page with other text between the marks `bench:NAME`. Throws when it has no such marks. */
export function withSection(page: string, { name, text }: { name: SectionName; text: string }): string {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- bench:${name} end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no ${begin} … ${end}`);
  return `${page.slice(0, from + begin.length)}\n${text}\n${page.slice(to)}`;
}

/** Throws when the page has no place for one of them: better before the measures than after them. */
export async function requirePlaces(path: string, names: readonly SectionName[]): Promise<void> {
  const page = await readFile(path, 'utf8');
  for (const name of names) withSection(page, { name, text: '' });
}

/** Writes a section, and its charts into the folder `images` beside the page. */
export async function writePage(
  path: string,
  section: { name: SectionName; measured: Measured },
  circumstances: Circumstances,
): Promise<void> {
  const page = await readFile(path, 'utf8');
  const text = sectionText(section, circumstances);
  await writeFile(path, withSection(page, { name: section.name, text }));
  const images = join(dirname(path), 'images');
  await mkdir(images, { recursive: true });
  for (const [file, svg] of Object.entries(section.measured.charts)) await writeFile(join(images, file), svg);
}
