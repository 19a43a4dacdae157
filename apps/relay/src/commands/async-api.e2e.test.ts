/** The AsyncAPI document of change topics: valid, and true of the records that a relay publishes. */
import { createRequire } from 'node:module';
import { openCatalogue } from '@diptych/wal/catalogue';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterEach, expect, test } from 'vitest';
import { RelayUnderTest } from '../relay-under-test.ts';
import { changeAsyncApi } from './async-api.ts';

let relay: RelayUnderTest;
afterEach(() => relay?.close());

interface Document {
  readonly channels: Readonly<Record<string, unknown>>;
  readonly components: {
    readonly messages: Readonly<
      Record<
        string,
        { readonly payload: object; readonly bindings: { readonly kafka: { readonly key: object } } }
      >
    >;
  };
}

const table = `
  create type mood as enum ('glad', 'sad');
  create table things (
    id integer, part text, n numeric(10,2), big bigint, f float8, at timestamptz, on_day date, raw bytea, yes boolean,
    tags text[], doc jsonb, feeling mood, spot point, span int4range, took interval, long text, primary key (id, part));
  alter table things alter column long set storage external`;

const sampled = `insert into things values (1, 'a', 1.10, 9007199254740993, 'NaN', now(), '2026-11-21', '\\x00ff', true,
  '{a,null,"b c"}', '{"a": [1]}', 'glad', '(1,2)', '[1,5)', '1 day', repeat('x', 9000))`;

test.each([{ compat: 'none' }, { compat: 'debezium' }])(
  'the document is valid AsyncAPI, and each record of a relay with compat $compat is as it says',
  async ({ compat }) => {
    relay = await RelayUnderTest.create({ DIPTYCH_CHANGE_COMPAT: compat });
    await relay.sql.query(table);
    await relay.initialise();
    await relay.active(relay.start());
    await relay.sql.query(sampled);
    await relay.sql.query(`insert into things (id, part) values (2, 'b'), (3, 'c')`);
    await relay.sql.query(`update things set yes = false where id = 1`);
    await relay.sql.query(`update things set id = 4 where id = 2`);
    await relay.sql.query(`delete from things where id = 3`);
    await relay.caughtUp();

    const catalogue = await openCatalogue(relay.configuration.database.url);
    const document = (await changeAsyncApi(catalogue, relay.configuration)) as Document;
    await catalogue.close();
    const definition: object = createRequire(import.meta.url)(
      '@asyncapi/specs/schemas/3.0.0-without-$id.json',
    );
    const specification = new Ajv({ strict: false, logger: false });
    addFormats.default(specification);
    const isValid = specification.compile(definition);
    expect([isValid(document), isValid.errors]).toEqual([true, null]);

    const topic = `${relay.configuration.prefix}.public.things`;
    expect(Object.keys(document.channels)).toContain(topic);
    const message = document.components.messages[topic];
    const ajv = new Ajv2020({ strict: false });
    const [value, key] = [message?.payload, message?.bindings.kafka.key].map((schema) =>
      ajv.compile(schema ?? {}),
    );
    const records = await relay.records(topic);
    expect(records.length).toBeGreaterThan(6);
    for (const record of records) {
      const read =
        record.value === null ? null : (JSON.parse(String(record.value)) as Record<string, unknown>);
      expect([value?.(read), value?.errors, read], 'the value').toEqual([true, null, read]);
      const readKey: unknown = JSON.parse(String(record.key));
      expect([key?.(readKey), key?.errors], 'the key').toEqual([true, null]);
      // It does not take whatever comes.
      expect(value?.({ ...read, else: 1 })).toBe(false);
      expect(key?.({ id: 'one' })).toBe(false);
    }
  },
);
