/** Schemas that are published never change: a directory in git has one file for each version, and this compares. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Difference, differences } from './compatibility.ts';
import type { Contracts, JsonSchema } from './event-contract.ts';
import { jsonSchemas, type PublishedSchema } from './json-schemas.ts';

/** What is to be said of one version. */
export type Finding =
  /** Its published schema is another: readers have the old one. */
  | { readonly tag: 'changed-in-place'; readonly file: string; readonly differences: readonly Difference[] }
  /** It was published, and no contract has it any more: history holds such events. */
  | { readonly tag: 'withdrawn'; readonly file: string }
  /** Not published yet; what it changes of the version before. */
  | { readonly tag: 'new'; readonly file: string; readonly differences: readonly Difference[] };

/** Whether it may not be so. */
export const isForbidden = ({ tag }: Finding): boolean => tag !== 'new';

/** Compares the contracts with what is published in a directory. */
export function examine(contracts: Contracts, directory: string): Finding[] {
  const schemas = jsonSchemas(contracts);
  const files = existsSync(directory)
    ? readdirSync(directory).filter((file) => /\.v\d+\.json$/.test(file))
    : [];
  const withdrawn = files.filter((file) => !schemas.some((one) => one.file === file));
  return [
    ...schemas.flatMap((one) =>
      examineOne(one, { schemas, directory, isPublished: files.includes(one.file) }),
    ),
    ...withdrawn.map((file) => ({ tag: 'withdrawn' as const, file })),
  ];
}

function examineOne(
  { type, version, file, schema }: PublishedSchema,
  {
    schemas,
    directory,
    isPublished,
  }: { schemas: readonly PublishedSchema[]; directory: string; isPublished: boolean },
): Finding[] {
  if (!isPublished) {
    const before = schemas.find((one) => one.type === type && one.version === version - 1);
    return [{ tag: 'new', file, differences: before ? differences(before.schema, schema) : [] }];
  }
  const published = readFileSync(join(directory, file), 'utf8');
  if (published === textOf(schema)) return [];
  const was = JSON.parse(published) as JsonSchema;
  return [{ tag: 'changed-in-place', file, differences: differences(was, schema) }];
}

/** Writes the versions that are not published yet, and answers their files. Changes none that is. */
export function publish(contracts: Contracts, directory: string): string[] {
  mkdirSync(directory, { recursive: true });
  const missing = jsonSchemas(contracts).filter(({ file }) => !existsSync(join(directory, file)));
  for (const { file, schema } of missing) writeFileSync(join(directory, file), textOf(schema));
  return missing.map(({ file }) => file);
}

export function textOf(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A finding in words, a line for each difference. */
export function describeFinding(finding: Finding): string {
  if (finding.tag === 'withdrawn') return `${finding.file}: published, but no contract has it any more\n`;
  const head = finding.tag === 'new' ? 'not published yet' : 'changed in place: make a new version of it';
  const lines = finding.differences.map(({ path, what, breaksReaders, breaksHistory }) => {
    const broken = [
      breaksReaders ? 'readers of the version before' : '',
      breaksHistory ? 'events written before' : '',
    ];
    const breaks = broken.filter((one) => one !== '').join(' and ');
    return `  ${path || 'payload'}: ${what}${breaks ? ` (breaks ${breaks})` : ''}\n`;
  });
  return `${finding.file}: ${head}\n${lines.join('')}`;
}
