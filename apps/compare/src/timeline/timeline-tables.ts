/** The timeline's tables, beside those of the engine and in its transactions; and what is written there. */
import type { AggregateName } from '@diptych/compare/console-api';
import { sortable } from '@diptych/compare/position';
import type { StoredItem } from '@diptych/compare/timeline-item';
import { type Recorded, type RecordedFacts, type Release, withReleased } from './recorded.ts';
import { labelText } from './timeline-labels.ts';

/** One statement of the engine's session. */
export type Query = (
  text: string,
  values?: unknown[],
) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>;

/** Positions are sortable texts; collation "C" compares them byte by byte. */
export const timelineSchemaSql = `
create table if not exists diptych_timeline (
  name text not null, position text collate "C" not null, xid bigint not null, commit_time timestamptz not null,
  item text not null, silent text,
  primary key (name, position)
);
create index if not exists diptych_timeline_xid on diptych_timeline (name, xid, position);
create index if not exists diptych_timeline_time on diptych_timeline (name, commit_time, position);
create table if not exists diptych_timeline_labels (
  name text not null, label text collate "C" not null, position text collate "C" not null, facts text,
  primary key (name, label, position)
);
create index if not exists diptych_timeline_labels_position on diptych_timeline_labels (name, position);
create table if not exists diptych_console (name text primary key, mask_key text not null);
create table if not exists diptych_console_samples (
  name text not null, at timestamptz not null, sample text not null,
  primary key (name, at)
);
`;

/** Of which an engine that begins anew knows nothing. */
export const timelineTables = ['diptych_timeline', 'diptych_timeline_labels'];

/** Rows of one statement: at 4 KB each a few megabytes. */
const rowsPerStatement = 1000;

/** How much more than the bound is kept until the oldest are deleted, together. */
const slack = 0.02;

export class TimelineWriter {
  readonly #name: string;
  readonly #keptMax: number;
  #count: number | null = null;

  /** `keptMax`: transactions that are kept; older ones are forgotten. */
  constructor({ name, keptMax }: { name: string; keptMax: number }) {
    this.#name = name;
    this.#keptMax = keptMax;
  }

  /** Keeps what was recorded, in a transaction that is open. */
  async write(
    query: Query,
    { recorded, releases }: { recorded: readonly Recorded[]; releases: readonly Release[] },
  ): Promise<void> {
    // Of a backlog only the end is kept.
    const kept = recorded.slice(-this.#keptMax);
    for (let from = 0; from < kept.length; from += rowsPerStatement)
      await this.#insert(query, kept.slice(from, from + rowsPerStatement));
    for (const release of releases) await this.#release(query, release);
    await this.#forgetOldest(query, kept.length);
  }

  async #insert(query: Query, recorded: readonly Recorded[]): Promise<void> {
    await query(
      `insert into diptych_timeline (name, position, xid, commit_time, item, silent)
       select $1, * from unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[])
       on conflict do nothing`,
      [
        this.#name,
        recorded.map(({ item }) => sortable(item.position)),
        recorded.map(({ item }) => item.xid),
        recorded.map(({ item }) => item.commitTime),
        recorded.map(({ item }) => JSON.stringify(item)),
        recorded.map(({ silent }) => (silent === null ? null : JSON.stringify(silent))),
      ],
    );
    const labels = recorded.flatMap((one) => labelsOf(one));
    for (let from = 0; from < labels.length; from += rowsPerStatement)
      await this.#label(query, labels.slice(from, from + rowsPerStatement));
  }

  async #label(query: Query, labels: readonly LabelRow[]): Promise<void> {
    await query(
      `insert into diptych_timeline_labels (name, label, position, facts)
       select $1, * from unnest($2::text[], $3::text[], $4::text[]) on conflict do nothing`,
      [
        this.#name,
        labels.map(({ label }) => label),
        labels.map(({ position }) => position),
        labels.map(({ facts }) => facts),
      ],
    );
  }

  async #release(query: Query, release: Release): Promise<void> {
    const position = sortable(release.position);
    const { rows } = await query('select item from diptych_timeline where name = $1 and position = $2', [
      this.#name,
      position,
    ]);
    if (rows[0] !== undefined) {
      const item = withReleased(JSON.parse(String(rows[0].item)) as StoredItem, release);
      await query('update diptych_timeline set item = $3 where name = $1 and position = $2', [
        this.#name,
        position,
        JSON.stringify(item),
      ]);
      await this.#label(query, labelsOf({ item, silent: null, facts: [] }));
    }
    // The release itself has no commit: the aggregate is so from its last one on.
    for (const facts of release.facts)
      await query(
        `update diptych_timeline_labels set facts = $3 where name = $1 and label = $2 and position =
           (select max(position) from diptych_timeline_labels where name = $1 and label = $2)`,
        [this.#name, aggregateLabel(facts), sidesText(facts)],
      );
  }

  async #forgetOldest(query: Query, added: number): Promise<void> {
    if (this.#count === null) {
      const { rows } = await query('select count(*) as count from diptych_timeline where name = $1', [
        this.#name,
      ]);
      this.#count = Number(rows[0]?.count ?? 0);
    } else this.#count += added;
    if (this.#count <= this.#keptMax * (1 + slack)) return;
    const { rows } = await query(
      'select position from diptych_timeline where name = $1 order by position desc offset $2 limit 1',
      [this.#name, this.#keptMax],
    );
    for (const table of timelineTables)
      await query(`delete from ${table} where name = $1 and position <= $2`, [this.#name, rows[0]?.position]);
    this.#count = this.#keptMax;
  }
}

interface LabelRow {
  readonly label: string;
  readonly position: string;
  readonly facts: string | null;
}

/** By what the transaction is found, each once. */
function labelsOf({ item, silent, facts }: Recorded): LabelRow[] {
  const position = sortable(item.position);
  const texts = new Map<string, string | null>();
  for (const { table } of item.changes) texts.set(labelText({ tag: 'table', table }), null);
  for (const { type, aggregateType } of item.events) {
    texts.set(labelText({ tag: 'type', type }), null);
    texts.set(labelText({ tag: 'aggregate-type', aggregateType }), null);
  }
  for (const name of item.aggregates) texts.set(aggregateLabel(name), null);
  for (const one of facts) {
    texts.set(labelText({ tag: 'aggregate-type', aggregateType: one.aggregateType }), null);
    texts.set(aggregateLabel(one), sidesText(one));
  }
  if (silent !== null) texts.set(labelText({ tag: 'silent' }), null);
  return [...texts].map(([label, said]) => ({ label, position, facts: said }));
}

const aggregateLabel = ({ aggregateType, id }: AggregateName): string =>
  labelText({ tag: 'aggregate', aggregateType, id });

const sidesText = ({ events, rows }: RecordedFacts): string => JSON.stringify({ events, rows });
