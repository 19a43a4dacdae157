/**
 * Snapshots, as a script asks both sides for them. Ours are commands (docs/snapshots.md), the reference's are rows of a signal
 * table. https://debezium.io/documentation/reference/3.7/configuration/signalling.html
 */

import type { RelaySettings } from '@diptych/testkit/relay-process';
import { BadUse } from '../arguments.ts';
import type { ConnectorConfiguration } from './connect.ts';

export interface SnapshotOptions {
  readonly relay: RelaySettings;
  readonly connector: ConnectorConfiguration;
}

/** What both sides are asked for. */
export type SnapshotRequest =
  | {
      readonly tag: 'snapshot';
      readonly tables: readonly string[];
      readonly where: string | null;
      readonly mayFail: boolean;
    }
  | { readonly tag: 'snapshot-stop'; readonly tables: readonly string[] }
  | { readonly tag: 'snapshot-pause' | 'snapshot-resume' };

export type SnapshotStep = SnapshotRequest | { readonly tag: 'snapshot-done' };

/** Rows of a chunk: few, so that a small table has many. */
const chunkRows = '100';

/** What each side needs to know before a script may ask it for snapshots. */
const prepared: SnapshotOptions = {
  relay: { DIPTYCH_SNAPSHOT_CHUNK_ROWS_MAX: chunkRows },
  connector: {
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': '%prefix%.notification',
    'incremental.snapshot.chunk.size': chunkRows,
    // The watermarks of ours are messages that the reference would publish.
    'message.prefix.exclude.list': 'diptych\\..*',
    // The oracle's own tables: one is not logged, so it is in no stream.
    'snapshot.include.collection.list': '(?!conformance\\.).*',
  },
};

/** Only for who asks: the reference counts this table, which it does not read, as the first of an initial snapshot. */
const signals: ConnectorConfiguration = { 'signal.data.collection': 'conformance.signal' };

const command = /^--\s*snapshot(?:\s+(pause|resume|stop|done))?(?::\s*(.*?))?\s*$/;

/** The step that a line is; undefined for any other line. Throws BadUse. */
export function snapshotStepOf(line: string, mayFail: boolean): SnapshotStep | undefined {
  const [whole, verb, rest = ''] = command.exec(line) ?? [];
  if (whole === undefined) return undefined;
  if (verb === 'pause' || verb === 'resume') return { tag: `snapshot-${verb}` };
  if (verb === 'done') return { tag: 'snapshot-done' };
  if (verb === 'stop') return { tag: 'snapshot-stop', tables: tablesOf(rest) };
  const [, names = '', where = null] = /^(.*?)(?:\s+where\s+(.*))?$/.exec(rest) ?? [];
  const tables = tablesOf(names);
  if (tables.length === 0) throw new BadUse(`a snapshot names its tables: ${line}`);
  return { tag: 'snapshot', tables, where, mayFail };
}

const tablesOf = (names: string): string[] =>
  names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

export interface SnapshotMarks {
  readonly mode: string | undefined;
  /** `s1.*, s2.b` */
  readonly tables: string | undefined;
  /** `s1.a: pk > 2` */
  readonly where: readonly string[];
  /** Whether the script asks for any. */
  readonly isAsked: boolean;
}

/** What both sides are given for the marks of a script; undefined when it has nothing to do with snapshots. */
export function snapshotOptions({
  mode,
  tables,
  where,
  isAsked,
}: SnapshotMarks): SnapshotOptions | undefined {
  if (mode === undefined && !isAsked) return undefined;
  const conditions = where.map((text) => {
    const [, table = '', condition = ''] = /^(\S+?):\s*(.+)$/.exec(text) ?? [];
    if (table === '') throw new BadUse(`this is not schema.table: condition: ${text}`);
    return { table, condition };
  });
  const names = tablesOf(tables ?? '');
  const patterns = names.map((name) => name.replaceAll('.', '\\.').replaceAll('*', '.*'));
  const overrides = conditions.map(
    ({ table, condition }) =>
      [`snapshot.select.statement.overrides.${table}`, `SELECT * FROM ${table} WHERE ${condition}`] as const,
  );
  return {
    relay: {
      ...prepared.relay,
      ...(mode !== undefined && { DIPTYCH_SNAPSHOT_MODE: mode }),
      ...(names.length > 0 && { DIPTYCH_SNAPSHOT_TABLES: names.join(',') }),
      ...(conditions.length > 0 && { DIPTYCH_SNAPSHOT_WHERE: JSON.stringify(conditions) }),
    },
    connector: {
      ...prepared.connector,
      ...(isAsked && signals),
      ...(mode !== undefined && { 'snapshot.mode': mode }),
      ...(names.length > 0 && { 'snapshot.include.collection.list': patterns.join(',') }),
      ...(conditions.length > 0 && {
        'snapshot.select.statement.overrides': conditions.map(({ table }) => table).join(','),
        ...Object.fromEntries(overrides),
      }),
    },
  };
}

/** What the reference's signal table is told. */
export function signalOf(step: SnapshotRequest): { readonly type: string; readonly data: string } {
  switch (step.tag) {
    case 'snapshot': {
      const { tables, where } = step;
      const conditions = tables.map((table) => ({ 'data-collection': table, filter: where }));
      const data = {
        'data-collections': tables,
        type: 'incremental',
        ...(where !== null && { 'additional-conditions': conditions }),
      };
      return { type: 'execute-snapshot', data: JSON.stringify(data) };
    }
    case 'snapshot-stop': {
      const named = step.tables.length > 0 && { 'data-collections': step.tables };
      return { type: 'stop-snapshot', data: JSON.stringify({ type: 'INCREMENTAL', ...named }) };
    }
    case 'snapshot-pause':
      return { type: 'pause-snapshot', data: JSON.stringify({ type: 'INCREMENTAL' }) };
    case 'snapshot-resume':
      return { type: 'resume-snapshot', data: JSON.stringify({ type: 'INCREMENTAL' }) };
  }
}
