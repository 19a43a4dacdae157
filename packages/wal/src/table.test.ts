import { OperatingError } from '@diptych/runtime/failure';
import { expect, test } from 'vitest';
import { type Identity, requireUsableIdentity, unusableParts } from './table.ts';

const identity = (
  name: string,
  replicaIdentity: Identity['replicaIdentity'],
  identityColumns: readonly string[] = [],
): Identity => ({ schema: 'public', name, replicaIdentity, identityColumns });
const table = (name: string, isUsable: boolean) => ({
  ...identity(name, 'default', isUsable ? ['id'] : []),
  partitions: [],
});

test('tables without usable replica identity are refused together, each with both remedies', () => {
  const refuse = () =>
    requireUsableIdentity([table('a', false), table('b', true), table('Odd "name"', false)], {
      viaRoot: false,
    });
  expect(refuse).toThrow(OperatingError);
  expect(refuse).toThrow(
    expect.objectContaining({
      code: 'replica-identity-unusable',
      message: 'no usable replica identity: public.a, public.Odd "name"',
      remedy: expect.stringMatching(
        /primary key.*alter table "public"\."a" replica identity full.*alter table "public"\."Odd ""name""" replica identity full/,
      ),
    }),
  );
  expect(() => requireUsableIdentity([table('b', true)], { viaRoot: false })).not.toThrow();
});

test('a partition has an identity of its own; published as its root it has to send what that says', () => {
  const names = (root: Identity, partition: Identity, viaRoot: boolean) =>
    unusableParts({ ...root, partitions: [partition] }, { viaRoot }).map(({ name }) => name);
  const byKey = identity('root', 'default', ['id']);
  const whole = identity('root', 'full');
  const byIndex = identity('root', 'index', ['code']);
  const leaf = (...args: [Identity['replicaIdentity'], string[]?]) => identity('leaf', ...args);
  for (const viaRoot of [false, true]) {
    expect(names(byKey, leaf('default', ['id']), viaRoot)).toEqual([]);
    expect(names(byKey, leaf('full'), viaRoot)).toEqual([]);
    // Set for the root, FULL is not set for its partitions.
    expect(names(whole, leaf('default'), viaRoot)).toEqual(['leaf']);
    expect(names(identity('root', 'nothing'), leaf('nothing'), viaRoot)).toEqual(['root', 'leaf']);
  }
  expect(names(whole, leaf('default', ['id']), false)).toEqual([]);
  expect(names(whole, leaf('default', ['id']), true)).toEqual(['leaf']);
  expect(names(byIndex, leaf('default', ['id']), true)).toEqual(['leaf']);
  expect(names(byIndex, leaf('index', ['id', 'code']), true)).toEqual([]);
});
