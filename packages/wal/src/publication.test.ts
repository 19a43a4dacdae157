import { OperatingError } from '@diptych/runtime/failure';
import { expect, test } from 'vitest';
import { requireUsableIdentity, type Table } from './publication.ts';

const table = (name: string, identityUsable: boolean): Table => ({
  schema: 'public',
  name,
  primaryKey: [],
  replicaIdentity: 'default',
  identityUsable,
});

test('tables without usable replica identity are refused together, each with both remedies', () => {
  const refuse = () =>
    requireUsableIdentity([table('a', false), table('b', true), table('Odd "name"', false)]);
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
  expect(() => requireUsableIdentity([table('b', true)])).not.toThrow();
});
