/** An AsyncAPI 3 document of the change topics, of the tables as they are now. https://www.asyncapi.com/docs/reference/specification/v3.0.0 */

import type { Representation } from '@diptych/change/column-plan';
import { type JsonSchema, jsonSchemaOf } from '@diptych/change/json-schema';
import type { TableSchemas } from '@diptych/change/record-schema';
import { RelationPlan } from '@diptych/change/relation-plan';
import { TypeCatalogue } from '@diptych/change/type-catalogue';
import type { ConnectSchema } from '@diptych/change/value-schema';
import { changeTopicName } from '@diptych/kafka/topics';
import type { Relation, ReplicaIdentity } from '@diptych/pgoutput/relation';
import { present } from '@diptych/runtime/assert';
import type { Catalogue } from '@diptych/wal/catalogue';
import { encoderSettings, valueModes } from '../change-settings.ts';
import type { Configuration } from '../configuration.ts';
import { describeTables } from '../source.ts';
import { version } from '../version.ts';

type Settings = Pick<Configuration, 'change' | 'prefix'>;

/** Throws OperatingError when Postgres cannot be asked. */
export async function changeAsyncApi(catalogue: Catalogue, { change, prefix }: Settings): Promise<object> {
  const { primaryKeys, types } = await describeTables(catalogue);
  const known = new TypeCatalogue(types);
  const { columns, placeholder = null } = encoderSettings(change, known).representation ?? {};
  const representation: Representation = {
    ...{ types: known, modes: valueModes(change), placeholder, schemas: 'inline' },
    columns: present(columns, 'the rules of columns'),
  };
  const relations = await publishedRelations(catalogue, change.publication);
  const topics = relations.map((relation) => {
    const topic = changeTopicName({ prefix, schema: relation.schema, table: relation.table });
    const plan = new RelationPlan(relation, {
      topic,
      primaryKeys: ({ oid }) => primaryKeys.get(oid) ?? null,
      representation,
    });
    return { topic, relation, schemas: present(plan.schemas, 'inline schemas') };
  });
  return {
    asyncapi: '3.0.0',
    info: { title: `Change events of ${prefix}`, version },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      topics.map(({ topic, relation: { schema, table } }) => [
        topic,
        {
          address: topic,
          description: `What was done to rows of ${schema}.${table}, in order for each key.`,
          messages: { change: { $ref: `#/components/messages/${topic}` } },
        },
      ]),
    ),
    operations: Object.fromEntries(
      topics.map(({ topic }) => [
        `read-${topic}`,
        { action: 'receive', channel: { $ref: `#/channels/${topic}` } },
      ]),
    ),
    components: {
      messages: Object.fromEntries(topics.map(({ topic, schemas }) => [topic, messageOf(topic, schemas)])),
    },
  };
}

const headers = {
  type: 'object',
  required: ['diptych-tx'],
  properties: {
    'diptych-tx': { type: 'string', description: 'Identity of the transaction and of the record in it.' },
  },
};

/** A tombstone, value null, follows a delete. */
function messageOf(topic: string, { key, value }: TableSchemas): object {
  return {
    name: 'change',
    title: `A change in ${topic}`,
    headers,
    payload: { anyOf: [schemaIn(value), { type: 'null' }] },
    bindings: { kafka: { key: schemaIn(key) } },
  };
}

/** As it stands before the payload of a record with its schema. */
function schemaIn(head: Buffer): JsonSchema {
  const { schema } = JSON.parse(`${head.toString()}null}`) as { readonly schema: ConnectSchema };
  return jsonSchemaOf(schema);
}

interface ColumnRow {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly identity: 'd' | 'n' | 'f' | 'i';
  readonly name: string;
  /** Part of the replica identity. */
  readonly key: boolean;
  readonly type_oid: number;
  readonly type_modifier: number;
}

const identities: Readonly<Record<ColumnRow['identity'], ReplicaIdentity>> = {
  ...{ d: 'default', n: 'nothing', f: 'full', i: 'index' },
};

/** The tables with the columns that are published, as the stream would describe them. */
async function publishedRelations(catalogue: Catalogue, publication: string): Promise<Relation[]> {
  const rows = await catalogue.query<ColumnRow>(
    `select c.oid, n.nspname as schema, c.relname as table, c.relreplident as identity, a.attname as name,
       a.atttypid as type_oid, a.atttypmod as type_modifier,
       c.relreplident = 'f' or exists (select from pg_index i where i.indrelid = c.oid and a.attnum = any (i.indkey::int2[])
         and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end) as key
     from pg_publication_tables t join pg_namespace n on n.nspname = t.schemaname
       join pg_class c on c.relnamespace = n.oid and c.relname = t.tablename
       join pg_attribute a on a.attrelid = c.oid and a.attname = any (t.attnames)
     where t.pubname = $1 order by 2, 3, a.attnum`,
    [publication],
  );
  const tables = Map.groupBy(rows, ({ oid }) => oid);
  return [...tables].flatMap(([oid, columns]) => {
    const [first] = columns;
    if (!first) return [];
    return {
      ...{
        oid: Number(oid),
        schema: first.schema,
        table: first.table,
        replicaIdentity: identities[first.identity],
      },
      columns: columns.map(({ name, key, type_oid, type_modifier }) => ({
        ...{ name, key, typeOid: Number(type_oid), typeModifier: type_modifier },
      })),
    };
  });
}
