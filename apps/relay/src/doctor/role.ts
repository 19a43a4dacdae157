/** The role that the relay logs in as: what it may do, and the least that it has to. */
import { present } from '@diptych/runtime/assert';
import type { Catalogue } from '@diptych/wal/catalogue';
import { type Complaint, findings, sql } from './finding.ts';
import type { Check, Subject, Wish } from './subject.ts';

export interface RoleFacts {
  /** As SQL has it. */
  readonly role: string;
  readonly database: string;
  readonly isSuperuser: boolean;
  readonly mayReplicate: boolean;
  readonly mayCreate: boolean;
  /** Both publications, as far as they exist: as SQL has them, and whether the role may change them. */
  readonly publications: readonly {
    readonly name: string;
    readonly quoted: string;
    readonly isOwn: boolean;
  }[];
}

async function read(catalogue: Catalogue, { configuration }: Wish): Promise<RoleFacts> {
  const [row] = await catalogue.query<{
    role: string;
    database: string;
    superuser: boolean;
    replication: boolean;
    create: boolean;
  }>(`
    select quote_ident(rolname) as role, quote_ident(current_database()) as database, rolsuper as superuser,
      rolreplication as replication, has_database_privilege(current_database(), 'create') as "create"
    from pg_roles where rolname = current_user`);
  const { role, database, superuser, replication, create } = present(row, 'the role that asks');
  const names = [configuration.outbox.publication, configuration.change.publication];
  const publications = await catalogue.query<{ name: string; quoted: string; own: boolean }>(
    `select pubname as name, quote_ident(pubname) as quoted, pg_has_role(pubowner, 'usage') as own
     from pg_publication where pubname = any($1)`,
    [names],
  );
  return {
    ...{ role, database, isSuperuser: superuser, mayReplicate: replication, mayCreate: create },
    publications: publications.map(({ name, quoted, own }) => ({ name, quoted, isOwn: own })),
  };
}

const replication: Check<RoleFacts> = ({ role, isSuperuser, mayReplicate }) => {
  const complaints: Complaint[] = [];
  if (!isSuperuser && !mayReplicate)
    complaints.push({
      ...{ tag: 'wrong', message: `the role ${role} may not replicate` },
      remedies: [sql(`alter role ${role} replication`)],
    });
  const least = isSuperuser
    ? `${role} is a superuser; REPLICATION, and CREATE on the database for publications, would do`
    : `${role} may replicate`;
  return findings('role-replication', complaints, least);
};

/** Where `init` and the relay keep the publications themselves. */
const publishing: Check<RoleFacts> = (
  { role, database, isSuperuser, mayCreate, publications },
  { configuration },
) => {
  const complaints: Complaint[] = [];
  const isManaged = configuration.publication === 'managed';
  if (isManaged && !isSuperuser) {
    if (!mayCreate)
      complaints.push({
        tag: publications.length < 2 ? 'wrong' : 'warning',
        object: database,
        message: `the role ${role} may create no publication in ${database}`,
        remedies: [sql(`grant create on database ${database} to ${role}`)],
      });
    for (const { name, quoted, isOwn } of publications)
      if (!isOwn)
        complaints.push({
          ...{ tag: 'wrong', object: name },
          message: `the publication ${name} belongs to another role: it cannot follow the configuration`,
          remedies: [sql(`alter publication ${quoted} owner to ${role}`)],
        });
  }
  return findings(
    'role-publications',
    complaints,
    isManaged ? `${role} may keep the publications` : 'the publications are kept by somebody else',
  );
};

export const roleSubject: Subject<Catalogue, RoleFacts> = {
  ...{ name: 'role', read },
  checks: [replication, publishing],
};
