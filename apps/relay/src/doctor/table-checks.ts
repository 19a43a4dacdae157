/** What of a table is not published, or cannot be. https://www.postgresql.org/docs/18/logical-replication-publication.html */
import { operating } from '@diptych/runtime/failure';
import { type Catalogue, quoteIdentifier } from '@diptych/wal/catalogue';
import { qualifiedName, quotedName } from '@diptych/wal/publication';
import { unusableParts } from '@diptych/wal/table';
import { checkColumns } from '../column-check.ts';
import { outboxTables, payloadPlaces } from '../outboxes.ts';
import { act, type Complaint, findings, sql } from './finding.ts';
import type { Check, Subject } from './subject.ts';
import { type PublishedTable, readTables, type TableFacts } from './tables.ts';

const locks = 'it locks the table while it is read or rewritten';
const business = ({ tables }: TableFacts): readonly PublishedTable[] =>
  tables.filter(({ kind }) => kind === 'business');

/** Published all the same, the application's own UPDATE and DELETE fail. */
const identity: Check<TableFacts> = ({ tables }, { configuration }) => {
  const complaints = tables.flatMap((table): Complaint[] => {
    // An outbox is only inserted into, as its own publication has it.
    const viaRoot = table.kind === 'outbox' || configuration.change.partitions === 'root';
    return unusableParts(table, { viaRoot }).map((part) => ({
      ...{ tag: 'wrong', object: qualifiedName(part) },
      message: `${qualifiedName(part)} has no usable replica identity: published, UPDATE and DELETE of the application fail`,
      remedies: [sql(`alter table ${quotedName(part)} replica identity full`)],
    }));
  });
  return findings('replica-identity', complaints, 'UPDATE and DELETE of every table can be published');
};

/** Its records have no key, so that its topic does not fold to its table, and no snapshot reads it beside the stream. */
const withoutKey: Check<TableFacts> = (facts) => {
  const complaints = business(facts)
    .filter(({ primaryKey }) => primaryKey.length === 0)
    .map((table): Complaint => {
      const { keyCandidate } = table;
      const add =
        keyCandidate === null
          ? 'add column diptych_id bigint generated always as identity primary key'
          : `add primary key ${keyCandidate}`;
      const isQuick = keyCandidate?.startsWith('using index') ?? false;
      return {
        ...{ tag: 'warning', object: qualifiedName(table) },
        message: `${qualifiedName(table)} has no primary key: its change events have no key, and \`diptych snapshot\` refuses it`,
        remedies: [sql(`alter table ${table.quoted} ${add}`, isQuick ? null : locks)],
      };
    });
  return findings('primary-keys', complaints, 'every table has a primary key');
};

/** An UPDATE that leaves such a value as it is does not send it, unless it is part of the row before. */
const toast: Check<TableFacts> = (facts) => {
  const complaints = business(facts)
    .filter(({ toastColumns, replicaIdentity }) => toastColumns.length > 0 && replicaIdentity !== 'full')
    .map(
      (table): Complaint => ({
        ...{ tag: 'warning', object: qualifiedName(table) },
        message: `long values of ${qualifiedName(table)} (${table.toastColumns.join(', ')}) are stored out of line: an UPDATE that does not change one does not send it, the event names it in \`unchanged\``,
        remedies: [
          ...[table, ...table.partitions].map((part) =>
            sql(`alter table ${quotedName(part)} replica identity full`),
          ),
        ],
      }),
    );
  return findings('toast', complaints, 'no value is left out of an UPDATE for its length');
};

/** No publication takes it while it is unlogged, and one that is given would lack it then. */
const unlogged: Check<TableFacts> = ({ unlogged: found, sendsGenerated }, { configuration }) =>
  findings(
    'unlogged-tables',
    found.map(({ name, quoted, hasIdentity }) => {
      const { outbox, change } = configuration;
      const { publication } = outboxTables(configuration).includes(name) ? outbox : change;
      return {
        ...{ tag: 'wrong', object: name },
        message: `${name} is unlogged: nothing that is written to it is in the WAL`,
        remedies: [
          sql(`alter table ${quoted} set logged`),
          ...(hasIdentity ? [] : [sql(`alter table ${quoted} replica identity full`)]),
          ...(sendsGenerated === null
            ? []
            : [sql(`alter publication ${quoteIdentifier(publication)} add table ${quoted}`)]),
        ],
      };
    }),
    'every table is in the WAL',
  );

const generated: Check<TableFacts> = (facts, { configuration }) => {
  const complaints = business(facts).flatMap((table): Complaint[] => {
    const stored = table.generated.filter(({ isStored }) => isStored);
    const virtual = table.generated.filter(({ isStored }) => !isStored);
    const said = (columns: typeof stored) =>
      ({
        tag: 'warning',
        object: `${qualifiedName(table)} (${columns.map(({ name }) => name).join(', ')})`,
      }) as const;
    const publication = quoteIdentifier(configuration.change.publication);
    const isSent = facts.sendsGenerated ?? false;
    return [
      ...(stored.length > 0 && !isSent
        ? [
            {
              ...said(stored),
              message: 'stored generated columns are not in the change events',
              remedies: [
                facts.version >= 180_000
                  ? sql(`alter publication ${publication} set (publish_generated_columns = stored)`)
                  : act('They can be published with PostgreSQL 18 and newer only.'),
              ],
            },
          ]
        : []),
      ...(virtual.length > 0
        ? [
            {
              ...said(virtual),
              message: 'virtual generated columns are computed when they are read: no WAL has them',
              remedies: virtual.map(({ quoted, type, expression }) =>
                sql(
                  `alter table ${table.quoted} drop column ${quoted}, add column ${quoted} ${type} generated always as (${expression}) stored`,
                  locks,
                ),
              ),
            },
          ]
        : []),
    ];
  });
  return findings('generated-columns', complaints, 'no generated column is left out');
};

/** Rows of a trigger are changes that nobody meant: the audit finds them in every transaction. */
const triggers: Check<TableFacts> = ({ tables }) => {
  const complaints = tables.flatMap((table) =>
    table.writingTriggers.map(
      ({ name, quoted, functionName }): Complaint => ({
        ...{ tag: 'warning', object: `${qualifiedName(table)} ${name}` },
        message: `trigger ${name} on ${qualifiedName(table)} writes (${functionName}): its rows are changes without an event of their own`,
        remedies: [
          sql(
            `alter table ${table.quoted} disable trigger ${quoted}`,
            'what it writes then has to be written by the application, with its event',
          ),
        ],
      }),
    ),
  );
  return findings('triggers', complaints, 'no trigger of a published table writes');
};

const chosenKeys: Check<TableFacts> = ({ chosenKeys: lacking }) =>
  findings(
    'key-columns',
    lacking.map(({ column, remedy }) => ({
      ...{ tag: 'wrong', object: column },
      message: `the chosen key ${column} is not part of the replica identity: UPDATE and DELETE make no record`,
      remedies: [sql(remedy)],
    })),
    'every chosen key is sent with the row before',
  );

const columnSettings: Check<TableFacts> = ({ publishedColumns }, { configuration }) => {
  const complaints: Complaint[] = [];
  try {
    if (publishedColumns.length > 0) checkColumns(configuration.change, publishedColumns);
  } catch (error) {
    const { message, remedy } = operating(error);
    complaints.push({ tag: 'wrong', message, remedies: [act(remedy)] });
  }
  return findings('column-settings', complaints, 'what is set of columns fits the tables');
};

/** A snapshot reads tables with SELECT; the stream needs no right on them. */
const reading: Check<TableFacts> = (facts) => {
  const complaints = facts.tables.flatMap((table): Complaint[] => {
    const said = { tag: 'warning', object: qualifiedName(table) } as const;
    if (!table.maySelect || !table.mayUseSchema)
      return [
        {
          ...said,
          message: `${facts.role} may not read ${qualifiedName(table)}: it is streamed, but no snapshot reads it, nor a parked payload that is too large to keep`,
          remedies: [
            ...(table.mayUseSchema
              ? []
              : [sql(`grant usage on schema ${quoteIdentifier(table.schema)} to ${facts.role}`)]),
            ...(table.maySelect ? [] : [sql(`grant select on ${table.quoted} to ${facts.role}`)]),
          ],
        },
      ];
    if (!table.isRowSecurityActive) return [];
    return [
      {
        ...said,
        message: `row security of ${qualifiedName(table)} hides rows from ${facts.role}: a snapshot lacks them in silence`,
        remedies: [sql(`alter role ${facts.role} bypassrls`)],
      },
    ];
  });
  return findings('reading', complaints, `${facts.role} may read every table`);
};

/** Rows of an outbox that lacks one of these are malformed. */
const outboxColumns: Check<TableFacts> = ({ tables }, { configuration }) => {
  const complaints = tables.flatMap((table): Complaint[] => {
    if (table.kind !== 'outbox') return [];
    const places = payloadPlaces(configuration).find(({ table: name }) => name === qualifiedName(table));
    const own = configuration.outboxes.find(({ table: name }) => name === qualifiedName(table))?.router;
    const needed = new Map([
      [places?.id ?? 'id', 'uuid default gen_random_uuid()'],
      [own?.['route.by.field'] ?? 'aggregatetype', 'text'],
      [own?.['table.field.event.key'] ?? 'aggregateid', 'text'],
      [own?.['table.field.event.type'] ?? 'type', 'text'],
      [places?.payload ?? 'payload', 'jsonb'],
    ]);
    return [...needed].flatMap(([column, type]) =>
      table.columns.includes(column)
        ? []
        : [
            {
              ...{ tag: 'wrong', object: `${qualifiedName(table)}.${column}` },
              message: `the outbox ${qualifiedName(table)} has no column ${column}: its rows are no events`,
              remedies: [sql(`alter table ${table.quoted} add column ${quoteIdentifier(column)} ${type}`)],
            },
          ],
    );
  });
  return findings('outbox-columns', complaints, 'every outbox has the columns that its events need');
};

export const tableSubject: Subject<Catalogue, TableFacts> = {
  ...{ name: 'tables', read: readTables },
  checks: [
    identity,
    withoutKey,
    toast,
    unlogged,
    generated,
    triggers,
    chosenKeys,
    columnSettings,
    reading,
    outboxColumns,
  ],
};
