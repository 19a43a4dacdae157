/** docs/wire.md is held: each rule names its tests, and each name on the page is the code's. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEnd } from '@diptych/change/end';
import { publishForTests } from '@diptych/change/publish-for-tests';
import { TransactionCounters } from '@diptych/change/transaction-counters';
import { exitCodes as compareExitCodes } from '@diptych/compare-app/command-line';
import { cartAggregateType, esCartAggregateType } from '@diptych/contracts/cart-events';
import { type Checkpoint, encodeCheckpoint } from '@diptych/kafka/checkpoint';
import { formatIdentity, identityHeader, parseIdentity, transactionId } from '@diptych/kafka/identity';
import { changeTopicName, domainTopicName, topicSpecs } from '@diptych/kafka/topics';
import { OutboxRouter } from '@diptych/outbox/route';
import { outbox, outboxHeads } from '@diptych/outbox/schema';
import { Decoder } from '@diptych/pgoutput/decoder';
import { encode, relationForTests } from '@diptych/pgoutput/encode-for-tests';
import {
  configurationSchema,
  defaultConfigurationFile,
  isBusinessTable,
} from '@diptych/relay-app/configuration';
import { exitCodes } from '@diptych/relay-app/exit-code';
import { settingsOf } from '@diptych/runtime/configuration';
import { failures } from '@diptych/runtime/failure';
import { verdictLine } from '@diptych/runtime/verdict';
import { Assembler } from '@diptych/transaction/assembler';
import { lsn, lsnZero, xid } from '@diptych/wal/lsn';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const page = read('docs/wire.md');
const defaults = configurationSchema.parse({
  database: { url: 'postgres://h/d' },
  kafka: { brokers: ['h:1'] },
});

/** One rule: a bullet, a row of a table, a paragraph. */
interface Rule {
  readonly section: string;
  readonly text: string;
}

function rulesOf(markdown: string): Rule[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .flatMap((part) => {
      const [section = '', ...lines] = part.split('\n');
      const begins = /^(- |\|)|^$/;
      const blocks: string[] = [];
      for (const line of lines) {
        if (begins.test(line) || blocks.length === 0) blocks.push(line);
        else blocks.push(`${blocks.pop() ?? ''}\n${line}`);
      }
      // The first two lines of a table are its head.
      const isHead = (index: number) =>
        /^\|-/.test(blocks[index] ?? '') || /^\|-/.test(blocks[index + 1] ?? '');
      return blocks
        .filter((block, index) => block.trim() !== '' && !isHead(index))
        .map((text) => ({ section, text }));
    });
}

const rules = rulesOf(page);
const markersOf = (text: string, kind: string): string[] =>
  [...text.matchAll(new RegExp(`<!-- ${kind}: (.+?) -->`, 'g'))].map((match) => match[1] ?? '');
const visible = (text: string): string => text.replace(/<!--.*?-->/gs, '');

/** The rule that says this; its text without markers, on one line. */
function ruleWith(words: string): string {
  const found = rules
    .map(({ text }) => visible(text).replaceAll(/\s+/g, ' '))
    .filter((text) => text.includes(words));
  expect(found, `one rule says “${words}”`).toHaveLength(1);
  return found[0] ?? '';
}

/** What stands between backquotes. */
const codesOf = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

/** The cells of the rows of the table whose head begins so. */
function tableOf(head: string): string[][] {
  const table = page.slice(page.indexOf(`| ${head} |`)).split('\n\n')[0] ?? '';
  const rows = visible(table)
    .split('\n')
    .filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** `{a, b, c}` in the given text: its names. */
const fieldsOf = (text: string, first: string): string[] =>
  new RegExp(`\\{(${first}\\b[^{}]*)\\}`).exec(text)?.[1]?.split(', ') ?? [];

describe('each rule', () => {
  test('has a marker that says what holds it, or that it is not yet', () => {
    const bare = rules.filter(({ text }) => markersOf(text, '(?:held by|not yet)').length === 0);
    expect(bare).toEqual([]);
    expect(rules.length).toBeGreaterThan(60);
  });

  test('that is not yet says so to the reader', () => {
    const silent = rules.filter(
      ({ section, text }) =>
        markersOf(text, 'not yet').length > 0 && section !== 'Not yet' && !/not yet/.test(visible(text)),
    );
    expect(silent).toEqual([]);
  });

  test('names tests that exist, by words of their titles', () => {
    const references = rules
      .flatMap(({ text }) => markersOf(text, 'held by'))
      .flatMap((marker) => marker.split(/(?<="); (?=\S+\.test\.ts )/))
      .map((reference) => {
        const [, path = '', titles = ''] = /^(\S+)((?: "[^"]+")*)$/.exec(reference) ?? [];
        return { reference, path, titles: [...titles.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '') };
      });
    const wrong = references.filter(({ path, titles }) => {
      if (!/\.test\.ts$/.test(path) || titles.length === 0 || !existsSync(join(root, path))) return true;
      const titled = titlesIn(read(path));
      return !titles.every((title) => titled.some((one) => one.includes(title)));
    });
    expect(wrong.map(({ reference }) => reference)).toEqual([]);
  });

  test('names refusals by codes that exist', () => {
    const built = rules.filter(({ section }) => section === 'Delivery').map(({ text }) => visible(text));
    const codes = built.flatMap(codesOf).filter((code) => /^[a-z]+(-[a-z]+)+$/.test(code));
    expect(codes.length).toBeGreaterThan(8);
    expect(codes.filter((code) => !Object.hasOwn(failures, code))).toEqual([]);
  });
});

/** Titles of tests and of groups of tests, as they are written. */
function titlesIn(source: string): string[] {
  const literal = /\b(?:test|describe)\(\s*(['"`])((?:\\.|(?!\1).)+)\1/g;
  // `test.each(…)(` and `test.skipIf(…)(` come to their title later.
  const later = /\)\(\s*(['"`])((?:\\.|(?!\1).)+)\1/g;
  return [...source.matchAll(literal), ...source.matchAll(later)].map((match) => match[2] ?? '');
}

describe('identity', () => {
  const rule = ruleWith(`${identityHeader}: <timeline>`);
  const example = codesOf(rule).find((code) => /^\d+-[0-9A-F]{16}-/.test(code)) ?? '';

  test('the example of the identity header is parsed and formatted back', () => {
    expect(formatIdentity(parseIdentity(example))).toBe(example);
    expect(parseIdentity(example)).toMatchObject({ timeline: 1, xid: 757, ordinal: 3, part: 0 });
  });

  test('the recipe for other languages gives the six parts', () => {
    const recipe = codesOf(ruleWith('In another language'))[0] ?? '';
    const [names = '', call] = recipe.split(' = ');
    expect(call).toBe('header.split("-", 5)');
    expect(names.split(', ')).toEqual(['timeline', 'commit_lsn', 'xid', 'ordinal', 'part', 'commit_us']);
    // Five cuts: a commit time before 1970 keeps its sign.
    const early = formatIdentity({ ...parseIdentity(example), commitTimeUs: -1n });
    expect(/^(?:[^-]+-){5}(.*)$/.exec(early)?.[1]).toBe('-1');
    expect(/^(?:[^-]+-){5}(.*)$/.exec(example)?.[1]).toBe(String(parseIdentity(example).commitTimeUs));
  });

  test('the example of transaction.id belongs to that of the header', () => {
    expect(codesOf(ruleWith('`transaction.id` is'))).toContain(transactionId(parseIdentity(example)));
  });
});

describe('names and defaults', () => {
  test('slot, prefix and publications have the names that the page gives them', () => {
    expect(codesOf(ruleWith('Slot `'))).toEqual([
      defaults.slot,
      defaults.prefix,
      defaults.outbox.topicPrefix,
    ]);
    const publications = rules.map(({ text }) => /^- Publication `(\w+)`/.exec(text)?.[1]).filter(Boolean);
    expect(publications).toEqual([defaults.outbox.publication, defaults.change.publication]);
  });

  test('the topics of the table are those that the relay makes', () => {
    const { prefix, slot } = defaults;
    const table = tableOf('topic').map(([name = '', partitions, policy, retention]) => {
      const plain = (codesOf(name)[0] ?? '')
        .replace('<aggregatetype>', 'cart')
        .replace('<schema>.<table>', 'public.carts')
        .replace('<slot>', slot);
      const kept = retention === '–' ? {} : { 'retention.ms': retention };
      return { name: plain, partitions: Number(partitions), config: { 'cleanup.policy': policy, ...kept } };
    });
    const eventTopics = [
      domainTopicName('cart'),
      changeTopicName({ prefix, schema: 'public', table: 'carts' }),
    ];
    const made = topicSpecs({ prefix, slot, eventTopics, heartbeat: true });
    expect(defaults.heartbeat.intervalMs).toBe(0);
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(table.toSorted(byName)).toEqual(made.toSorted(byName));
    expect(defaults.kafka.partitions).toBe(made.at(-1)?.partitions);
  });

  test('the cart’s aggregate type and its topic are those of the page', () => {
    const [type = '', sourced] = codesOf(ruleWith('Aggregate type of the cart'));
    expect([type, sourced]).toEqual([cartAggregateType, esCartAggregateType]);
    expect(domainTopicName(type)).toBe('outbox.event.cart');
  });

  test('the file and the variables of the configuration are named as the page says', () => {
    const [file, prefix, path, variable] = codesOf(ruleWith('Configuration file'));
    expect([file, prefix]).toEqual([defaultConfigurationFile, 'DIPTYCH_']);
    expect(settingsOf(configurationSchema).find((setting) => setting.path === path)?.variable).toBe(variable);
  });

  test('limits and times are the defaults of the configuration', () => {
    const { limits, timing } = defaults;
    const mebibyte = 1024 * 1024;
    expect(ruleWith('`topicsMax`')).toContain(`${limits.topicsMax.toLocaleString('en')} topics`);
    const idle = ruleWith('idle WAL');
    expect(idle).toContain(`per ${timing.idleCheckpointIntervalMs / 1000} s or`);
    expect(idle).toContain(`or ${timing.idleCheckpointBytes / mebibyte} MiB of WAL`);
    expect(ruleWith('Publications are compared')).toContain(
      `every ${timing.publicationCheckIntervalMs / 1000} s`,
    );
    expect(ruleWith('`wal_sender_timeout`')).toContain(`(${timing.walSenderTimeoutMs / 1000} s)`);
    const still = ruleWith('the position stands still');
    expect(still).toContain(`\`stalledMs\` (${timing.stalledMs / 1000} s)`);
    expect(still).toContain(`\`stalledBytes\` (${limits.stalledBytes / 1024} KiB)`);
    expect(ruleWith('`rowBytesMax`')).toContain(`\`rowBytesMax\` (${limits.rowBytesMax / mebibyte} MiB)`);
    const bounded = ruleWith('The socket is paused');
    expect(bounded).toContain(`\`queueBytesMax\` (${limits.queueBytesMax / mebibyte} MiB)`);
    expect(bounded).toContain(`\`batchBytesMax\` (${limits.batchBytesMax / mebibyte} MiB)`);
  });

  test('exit codes are those of the table', () => {
    const camel = (text = '') => text.replace(/ (\w)/g, (_, letter: string) => letter.toUpperCase());
    const table = tableOf('exit code').map(([code, means]) => [camel(means), Number(code)] as const);
    const named = Object.entries(exitCodes);
    expect(table.map(([, code]) => code)).toEqual(named.map(([, code]) => code));
    for (const [index, [name]] of named.entries()) expect(table[index]?.[0].startsWith(name)).toBe(true);
    expect(exitCodes).toMatchObject(compareExitCodes);
  });
});

describe('outbox tables', () => {
  test('the outbox tables have the columns that the page names', () => {
    expect(codesOf(ruleWith("Debezium's columns `id")).slice(1)).toEqual(columnsOf(outbox));
    expect(codesOf(ruleWith('primary key `(')).slice(1, 4)).toEqual(columnsOf(outboxHeads));
  });

  test('the outbox has plain indexes only, and full replica identity', () => {
    const schema = read('migrations/schema.sql');
    expect(schema).toContain('alter table outbox replica identity full;');
    expect(schema).not.toMatch(/unique index \S+ on public\.outbox /i);
    expect(/create table outbox \(.*?\);/s.exec(schema)?.[0]).not.toMatch(/constraint|unique|primary/i);
  });

  test('the outbox and its heads are not business tables', () => {
    const tables = ['outbox_heads', 'outbox_snapshots', 'outbox', 'carts'].map((name) => `public.${name}`);
    const published = tables.filter((table) => isBusinessTable(table, defaults.change));
    expect(published).toEqual(['public.carts']);
    expect(defaults.outbox.tables).toEqual(['public.outbox']);
  });
});

/** `name type default …` of each column, as the page writes them. */
function columnsOf(table: typeof outbox | typeof outboxHeads): string[] {
  const values: Record<string, string> = {
    typeversion: '1',
    headers: `'{}'`,
    occurred_at: 'now()',
    xid: 'pg_current_xact_id()',
  };
  return Object.values(table).flatMap((column) => {
    if (typeof column !== 'object') return [];
    const type = column.getSQLType().replace('timestamp with time zone', 'timestamptz');
    return [`${column.name} ${type}${column.hasDefault ? ` default ${values[column.name]}` : ''}`];
  });
}

describe('records', () => {
  const row = (panel: string) => tableOf('panel').find(([name]) => name === panel) ?? [];
  const commitLsn = lsn(0x16b374d848n);
  const commitTimeUs = 1_795_246_912_669_491n;
  const begin = () => encode.begin({ commitLsn, commitTimeUs, xid: 757 });
  const commit = encode.commit({ commitLsn, commitEndLsn: commitLsn + 48n, commitTimeUs });

  test('envelope and END have the fields that the page names, in this order', () => {
    const session = [encode.relation(relationForTests()), begin(), encode.insert(16_385, ['1', 'a']), commit];
    const [change] = publishForTests(session.map((bytes) => ({ lsn: commitLsn, bytes })));
    const envelope = JSON.parse(String(change?.value)) as object;
    expect(fieldsOf(row('change event')[2] ?? '', 'before')).toEqual(Object.keys(envelope));
    const transaction = {
      xid: xid(757),
      commitLsn,
      commitTimeUs,
      previousCommitEndLsn: null,
      origin: null,
    };
    const counters = new TransactionCounters(transaction);
    counters.countDomainEvent('outbox.event.cart', 'ItemAdded');
    counters.countChange('public.carts');
    const end = encodeEnd(
      { tag: 'end', transaction, commitEndLsn: commitLsn, rawMessages: 2 },
      { counters, topic: 't' },
    );
    const body = JSON.parse(String(end.value)) as Record<string, object[]>;
    const text = row('END')[2] ?? '';
    expect(fieldsOf(text, 'status')).toEqual(Object.keys(body));
    expect(fieldsOf(text, 'data_collection')).toEqual(Object.keys(body.data_collections?.[0] ?? {}));
    expect(fieldsOf(text, 'topic')).toEqual(Object.keys(body.domain_events?.[0] ?? {}));
    expect(fieldsOf(row('END')[1] ?? '', 'id')).toEqual(Object.keys(JSON.parse(String(end.key)) as object));
  });

  test('a checkpoint has the fields that the page names', () => {
    const checkpoint: Checkpoint = {
      v: 1,
      slot: 'diptych',
      systemId: '1',
      database: 'shop',
      timeline: 1,
      era: 1795246912669,
      lsn: lsnZero,
      part: { lsn: commitLsn, seq: 1 },
      reportedLsn: lsnZero,
      optionsHash: '',
      publications: { diptych_change: { oid: 1, options: '', tables: [], memberships: [] } },
      partitions: {},
      snapshot: null,
    };
    const written = JSON.parse(String(encodeCheckpoint(checkpoint))) as Record<
      string,
      Record<string, object>
    >;
    const text = row('checkpoint')[2] ?? '';
    expect(fieldsOf(text, 'v').toSorted()).toEqual(Object.keys(written).toSorted());
    expect(fieldsOf(text, 'lsn')).toEqual(Object.keys(written.part ?? {}));
    expect(fieldsOf(text, 'oid')).toEqual(Object.keys(written.publications?.diptych_change ?? {}));
  });

  test('a domain event has the headers that the page names', () => {
    const headers = '{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}';
    const values = {
      id: '1',
      aggregatetype: 'cart',
      aggregateid: '1',
      type: 'A',
      payload: '{}',
      aggregateversion: '1',
    };
    const sent = { ...values, typeversion: '1', headers };
    const columns = Object.keys(sent).map((name) => ({ name, key: false, typeOid: 25, typeModifier: -1 }));
    const decoder = new Decoder();
    const assembler = new Assembler();
    const session = [
      encode.relation(relationForTests({ columns })),
      begin(),
      encode.insert(16_385, Object.values(sent)),
    ];
    const item = session.map((bytes) => assembler.read(decoder.decode(bytes))).at(-1);
    expect(item?.tag).toBe('change');
    const router = new OutboxRouter({ topics: { of: (_, topic) => topic } });
    const routed = item?.tag === 'change' ? router.route(item) : null;
    expect(codesOf(row('domain event')[3] ?? '')).toEqual(routed?.record.headers.map(([name]) => name));
  });
});

describe('what scripts print', () => {
  const rule = ruleWith('end with **one line**');

  test('the line that scripts print has the fields that the page names, in this order', () => {
    const verdict = { name: 'n', args: {}, seconds: 1, figures: { leaks: 1 }, limits: { leaks: 0 } };
    const line = JSON.parse(verdictLine(verdict)) as { failures: object[] };
    expect(fieldsOf(rule, 'name')).toEqual(Object.keys(line));
    expect(fieldsOf(rule, 'what')).toEqual(Object.keys(line.failures[0] ?? {}));
  });

  test('the demo’s figures are among those that its source names', () => {
    const names = codesOf(ruleWith('of the demo are')).at(-1) ?? '';
    expect(read('apps/demo/src/demo.ts')).toContain(`return { ${names}, `);
  });
});
