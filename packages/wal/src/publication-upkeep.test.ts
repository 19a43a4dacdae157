import { expect, test } from 'vitest';
import type { Publication } from './publication.ts';
import { driftOf, isInStep, unfitStatements, type WantedPublication } from './publication-upkeep.ts';

const named = (name: string) => ({ schema: 'public', name });
const plain = (name: string) => ({ ...named(name), isPartitioned: false, partitions: [] });
const leaf = (name: string) => ({
  ...named(name),
  ...{ replicaIdentity: 'default' as const, identityColumns: ['id'] },
});
const days = { ...named('days'), isPartitioned: true, partitions: [leaf('monday'), leaf('tuesday')] };
const all = ['insert', 'update', 'delete', 'truncate'] as const;

const wanted = (tables: WantedPublication['tables'], viaRoot = false): WantedPublication => ({
  ...{ name: 'p', tables, viaRoot },
});
const publication = (members: readonly string[] | null, parts: Partial<Publication> = {}): Publication => ({
  ...{ name: 'p', oid: 1, options: all.join(), memberships: [] },
  tables: (members ?? []).map((name) => `public.${name}`),
  members: members?.map(named) ?? null,
  ...parts,
});
const statements = (found: Publication | undefined, want: WantedPublication) =>
  unfitStatements(found, want, all);

test('a publication drifts by tables that came and tables that are no longer wanted, and by how it shows partitions', () => {
  const drift = driftOf(publication(['a', 'b']), wanted([plain('b'), plain('c')]));
  expect([drift.missing.map(({ name }) => name), drift.surplus]).toEqual([['c'], [named('a')]]);
  expect(isInStep(driftOf(publication(['a']), wanted([plain('a')], true)))).toBe(true);
  expect(driftOf(publication(['days']), wanted([days], true)).viaRoot).toBe(true);
  expect(isInStep(driftOf(publication(null), wanted([plain('a')])))).toBe(true);
});

test('one that its owner keeps fits when it publishes what is configured, however it was told to', () => {
  expect(statements(publication(['a']), wanted([plain('a')]))).toEqual([]);
  expect(statements(publication(null, { tables: ['public.a'] }), wanted([plain('a')]))).toEqual([]);
  const leaves = { tables: ['public.monday', 'public.tuesday'] };
  expect(statements(publication(['days'], leaves), wanted([days]))).toEqual([]);
  expect(statements(publication(['monday', 'tuesday'], leaves), wanted([days]))).toEqual([]);
});

test('one that does not fit is told the statements that mend it', () => {
  expect(statements(undefined, wanted([plain('odd "name"')]))).toEqual([
    'create publication "p" for table "public"."odd ""name""" with (publish_via_partition_root = false)',
  ]);
  expect(statements(publication(['a', 'b']), wanted([plain('b'), plain('c')]))).toEqual([
    'alter publication "p" add table "public"."c"',
    'alter publication "p" drop table "public"."a"',
  ]);
  expect(statements(publication(['a'], { options: 'insert' }), wanted([plain('a')]))).toEqual([
    `alter publication "p" set (publish = 'insert, update, delete, truncate')`,
  ]);
  const asLeaves = { tables: ['public.monday', 'public.tuesday'] };
  for (const members of [['days'], null])
    expect(statements(publication(members, asLeaves), wanted([days], true))).toEqual([
      'alter publication "p" set (publish_via_partition_root = true)',
    ]);
  expect(statements(publication(null, { tables: ['public.a', 'public.b'] }), wanted([plain('a')]))).toEqual([
    'drop publication "p"',
    'create publication "p" for table "public"."a" with (publish_via_partition_root = false)',
  ]);
  expect(statements(publication(null, { tables: [] }), wanted([plain('a')]))).toEqual([
    'alter publication "p" add table "public"."a"',
  ]);
});
