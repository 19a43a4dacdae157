/** Faults of publications, and of the role that is to keep them. */
import type { Fault } from './fault.ts';

const managed = { DIPTYCH_PUBLICATION: 'managed' } as const;

export const publicationFaults: readonly Fault[] = [
  {
    name: 'a publication that is gone',
    ...{ check: 'publications', object: 'diptych_change' },
    plant: ({ sql }) => sql('drop publication diptych_change'),
  },
  {
    name: 'a table that was taken out',
    ...{ check: 'publications', object: 'diptych_change' },
    plant: ({ sql }) => sql('alter publication diptych_change drop table carts'),
  },
  {
    name: 'a table that nobody asked for',
    ...{ check: 'publications', object: 'diptych_change' },
    plant: ({ sql }) => sql('alter publication diptych_change add table outbox_heads'),
  },
  {
    name: 'operations that are not sent',
    ...{ check: 'publications', object: 'diptych_change' },
    plant: ({ sql }) => sql(`alter publication diptych_change set (publish = 'insert')`),
  },
  {
    name: 'partitions that come as their root',
    ...{ check: 'publications', object: 'diptych_change' },
    plant: ({ sql }) => sql('alter publication diptych_change set (publish_via_partition_root = true)'),
  },
  {
    name: 'a publication for all tables',
    ...{ check: 'publications', object: 'diptych_change' },
    plant: async ({ sql }) => {
      await sql('drop publication diptych_change');
      await sql('create publication diptych_change for all tables');
    },
  },
  {
    name: 'some rows of a table only',
    ...{ check: 'publication-filters', object: 'public.carts' },
    plant: async ({ sql }) => {
      await sql('alter publication diptych_change drop table carts');
      await sql('alter publication diptych_change add table carts where (id > 10)');
    },
  },
  {
    name: 'some columns of a table only',
    ...{ check: 'publication-filters', object: 'public.items' },
    plant: async ({ sql }) => {
      await sql('alter publication diptych_change drop table items');
      await sql('alter publication diptych_change add table items (id, code)');
    },
  },
  {
    name: 'an outbox that is somewhere else',
    ...{ check: 'tables-asked-for', object: 'public.messages' },
    settings: { DIPTYCH_OUTBOX_TABLES: 'public.messages' },
    plant: async () => {},
  },
  {
    name: 'more topics than are allowed',
    ...{ check: 'partitioned-tables', object: 'limits.topicsMax' },
    settings: { DIPTYCH_LIMITS_TOPICS_MAX: '3' },
    plant: async () => {},
    undo: ({ sql }) => sql('alter publication diptych_change set (publish_via_partition_root = false)'),
  },
  {
    name: 'a role that may not replicate',
    check: 'role-replication',
    plant: ({ sql, role }) => sql(`alter role ${role} noreplication`),
  },
  {
    name: 'a role that may create no publication',
    ...{ check: 'role-publications', object: 'shop', settings: managed },
    plant: async () => {},
    undo: ({ sql, role }) => sql(`revoke create on database shop from ${role}`),
  },
  {
    name: 'a publication of another role',
    ...{ check: 'role-publications', object: 'diptych_change', settings: managed },
    plant: ({ sql, role }) => sql(`grant create on database shop to ${role}`),
    undo: async ({ sql, role }) => {
      await sql('alter publication diptych_change owner to postgres');
      await sql(`revoke create on database shop from ${role}`);
    },
  },
];
