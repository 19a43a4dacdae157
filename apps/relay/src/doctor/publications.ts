/** The publications compared with the configuration, by the statements of docs/decisions/0029-publications-kept-in-step.md. */
import type { Catalogue } from '@diptych/wal/catalogue';
import { quoteIdentifier } from '@diptych/wal/catalogue';
import { inspectPublications, type Publication, qualifiedName, quotedName } from '@diptych/wal/publication';
import { unfitStatements } from '@diptych/wal/publication-upkeep';
import { unusableParts } from '@diptych/wal/table';
import { wantedPublications } from '../publications.ts';
import { act, type Complaint, command, findings, setting, sql } from './finding.ts';
import type { Check, Subject, Wish } from './subject.ts';

type WantedPublications = Awaited<ReturnType<typeof wantedPublications>>;

/** A table of which a publication sends less than all. */
interface Narrowed {
  readonly publication: string;
  readonly schema: string;
  readonly table: string;
  readonly hasFilter: boolean;
  readonly hasColumns: boolean;
}

export interface PublicationFacts {
  readonly wanted: WantedPublications;
  readonly found: readonly Publication[];
  readonly narrowed: readonly Narrowed[];
  /** Tables with an outbox's columns, `schema.table`. */
  readonly outboxLike: readonly string[];
}

async function read(catalogue: Catalogue, { configuration }: Wish): Promise<PublicationFacts> {
  const wanted = await wantedPublications(catalogue, configuration);
  const names = [wanted.outbox.name, wanted.change.name];
  const narrowed = await catalogue.query<{
    publication: string;
    schema: string;
    table: string;
    filter: boolean;
    columns: boolean;
  }>(
    `select p.pubname as publication, n.nspname as schema, c.relname as "table",
       prqual is not null as filter, prattrs is not null as columns
     from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
       join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
     where p.pubname = any($1) and (prqual is not null or prattrs is not null) order by 1, 2, 3`,
    [names],
  );
  const outboxLike = await catalogue.query<{ name: string }>(`
    select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_' and 5 = (
      select count(*) from pg_attribute a where a.attrelid = c.oid and not a.attisdropped
        and a.attname in ('id', 'aggregatetype', 'aggregateid', 'type', 'payload'))
    order by 1`);
  return {
    wanted,
    outboxLike: outboxLike.map(({ name }) => name),
    found: await inspectPublications(catalogue, names),
    narrowed: narrowed.map(({ filter, columns, ...rest }) => ({
      ...{ ...rest, hasFilter: filter, hasColumns: columns },
    })),
  };
}

const inStep: Check<PublicationFacts> = ({ wanted, found }, { configuration }) => {
  if (found.length === 0 && configuration.publication === 'managed')
    return findings(
      'publications',
      [{ tag: 'warning', message: 'no publication is there yet', remedies: [command('diptych init')] }],
      '',
    );
  const complaints = [wanted.outbox, wanted.change].flatMap((publication): Complaint[] => {
    const there = found.find(({ name }) => name === publication.name);
    const statements = unfitStatements(there, publication, publication.operations);
    if (statements.length === 0) return [];
    const { name: object } = publication;
    // Added as it is, the application's own UPDATE would fail from then on.
    const first = publication.tables
      .filter(
        (table) =>
          !there?.members?.some(({ schema, name }) => schema === table.schema && name === table.name),
      )
      .flatMap((table) => unusableParts(table, publication))
      .map((part) => `alter table ${quotedName(part)} replica identity full`);
    const message = there
      ? `publication ${object} is not as the configuration has it`
      : `there is no publication ${object}: nothing of its tables is sent`;
    return [
      {
        ...{ tag: 'wrong', object, message },
        remedies: [...first, ...statements].map((statement) => sql(statement)),
      },
    ];
  });
  return findings('publications', complaints, 'both publications are as the configuration has them');
};

const narrowing: Check<PublicationFacts> = ({ narrowed }) =>
  findings(
    'publication-filters',
    narrowed.map(({ publication, schema, table, hasFilter, hasColumns }) => {
      const quoted = quotedName({ schema, name: table });
      const what = [...(hasFilter ? ['some rows'] : []), ...(hasColumns ? ['some columns'] : [])];
      const name = quoteIdentifier(publication);
      return {
        ...{ tag: 'warning', object: `${schema}.${table}` },
        message: `publication ${publication} sends ${what.join(' and ')} of ${schema}.${table} only; a relay that has run refuses the change back once (publication-changed)`,
        remedies: [
          sql(`alter publication ${name} drop table ${quoted}`),
          sql(`alter publication ${name} add table ${quoted}`),
        ],
      };
    }),
    'each table is sent whole',
  );

/** Asked for by name and not there: `init` refuses such a pattern, and leaves out such an outbox. */
const asked: Check<PublicationFacts> = ({ wanted, outboxLike }, { configuration }) => {
  const { outbox, change } = configuration;
  const complaints: Complaint[] = [];
  const patterns = change.include.filter((pattern) => pattern !== '*.*');
  if (patterns.length > 0 && wanted.change.tables.length === 0)
    complaints.push({
      ...{ tag: 'wrong', object: 'change.include', message: `${patterns.join(', ')} fits no table` },
      remedies: [setting('DIPTYCH_CHANGE_INCLUDE', '*.*')],
    });
  const there = wanted.outbox.tables.map(qualifiedName);
  const missing = outbox.tables.filter((table) => !there.includes(table));
  if (missing.length > 0 && there.length === 0)
    complaints.push({
      ...{ tag: 'warning', object: missing.join(', ') },
      message: 'there is no such outbox table: no domain event comes from a table',
      remedies:
        outboxLike.length > 0
          ? [setting('DIPTYCH_OUTBOX_TABLES', outboxLike.join(','))]
          : [act('Create it (docs/outbox.md), or emit by logical messages.')],
    });
  return findings('tables-asked-for', complaints, 'every table that is asked for is there');
};

/** The publication has to say so too, whoever keeps it. */
const asRoot = ({ publication, change }: Wish['configuration']) => [
  setting('DIPTYCH_CHANGE_PARTITIONS', 'root'),
  publication === 'managed'
    ? command('diptych init')
    : sql(`alter publication ${quoteIdentifier(change.publication)} set (publish_via_partition_root = true)`),
];

/** Topics are found by their names: two tables of one name would share one. */
const partitionTopics: Check<PublicationFacts> = ({ wanted }, { configuration }) => {
  const { partitions } = configuration.change;
  const complaints: Complaint[] = [];
  const leaves = wanted.change.tables.reduce((sum, table) => sum + table.partitions.length, 0);
  const topics = wanted.change.tables.length + (partitions === 'leaf' ? leaves : 0);
  if (topics > configuration.limits.topicsMax)
    complaints.push({
      ...{ tag: 'wrong', object: 'limits.topicsMax' },
      message: `${topics} topics are needed, ${configuration.limits.topicsMax} are allowed`,
      remedies: leaves > 0 ? asRoot(configuration) : [setting('DIPTYCH_LIMITS_TOPICS_MAX', topics * 2)],
    });
  for (const table of wanted.change.tables)
    if (partitions === 'leaf' && table.partitions.length > partitionsMany)
      complaints.push({
        ...{ tag: 'warning', object: qualifiedName(table) },
        message: `each of its ${table.partitions.length} partitions has a topic of its own (publish_via_partition_root = false)`,
        remedies: asRoot(configuration),
      });
  return findings('partitioned-tables', complaints, `${topics} change topics are needed`);
};

/** Two years of months: more are rarely read one by one. */
const partitionsMany = 24;

export const publicationSubject: Subject<Catalogue, PublicationFacts> = {
  ...{ name: 'publications', read },
  checks: [inStep, narrowing, asked, partitionTopics],
};
