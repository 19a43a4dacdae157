/** What people ask of snapshots: executed by the relay that holds the slot, once, between two transactions. */
import { randomBytes } from 'node:crypto';
import { unreachable } from '@diptych/runtime/assert';
import type { Logger } from '@diptych/runtime/log';
import { append, without } from '@diptych/snapshot/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { Configuration } from '../configuration.ts';
import { ChunkReader, type TableName } from './chunk-reader.ts';
import type { Ledger } from './ledger.ts';
import { namedTables } from './selection.ts';
import type { SnapshotCommand, SnapshotTopic, SnapshotWord } from './snapshot-topic.ts';
import { notReadable, requireKey } from './table-refusal.ts';
import { tableText, wordOf } from './words.ts';

export interface CommandsOptions {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
  readonly topic: SnapshotTopic;
  readonly log: Logger;
}

/** Names a snapshot: sorts by time, and two of one moment differ. */
export const newSnapshotId = (): string => `${Date.now().toString(36)}-${randomBytes(2).toString('hex')}`;

type Answer = Partial<SnapshotWord> & Pick<SnapshotWord, 'status'>;

/** Executes a command, and says so in the same Kafka transaction. Throws OperatingError for what ends the session. */
export async function execute(command: SnapshotCommand, options: CommandsOptions): Promise<void> {
  const { ledger } = options;
  switch (command.command) {
    case 'start':
      return await start(command, options);
    case 'pause':
    case 'resume': {
      const paused = command.command === 'pause';
      return await ledger.between(() => {
        const { log } = ledger;
        if (log.tables.length === 0) return answer(command, options, nothingToDo);
        answer(command, options, { status: paused ? 'paused' : 'resumed' }, { ...log, paused });
      });
    }
    case 'stop':
      return await ledger.between(() => stop(command, options));
    default:
      return unreachable(command.command);
  }
}

const nothingToDo: Answer = {
  status: 'refused',
  reason: 'no table is being read',
  remedy: '`diptych snapshot --table schema.table` begins one.',
};

function stop(command: SnapshotCommand, options: CommandsOptions): void {
  const { log } = options.ledger;
  const { tables } = command;
  const isMeant = (table: TableName) => tables.length === 0 || tables.includes(tableText(table));
  const stopped = log.tables.filter(isMeant).map(tableText);
  if (stopped.length === 0) return answer(command, options, nothingToDo);
  answer(command, options, { status: 'stopped', tables: stopped }, without(log, isMeant));
}

async function start(command: SnapshotCommand, options: CommandsOptions): Promise<void> {
  const { ledger } = options;
  const { tables: names, where } = command;
  try {
    const tables = await readableTables({ names, where }, options);
    const id = newSnapshotId();
    await ledger.between(() => {
      const asked = tables.map((table) => ({ ...table, where }));
      const log = append(ledger.log, { id, kind: 'incremental', tables: asked });
      answer(command, options, { status: 'started', id, tables: tables.map(tableText) }, log);
    });
  } catch (error) {
    if (!notReadable(error)) throw error;
    const { message: reason, remedy } = error;
    await ledger.between(() => answer(command, options, { status: 'refused', reason, remedy }));
  }
}

/** All of them, or none: each has a key, and the server takes the condition. */
async function readableTables(
  { names, where }: { names: readonly string[]; where: string | null },
  { catalogue, configuration }: CommandsOptions,
): Promise<TableName[]> {
  const { publication } = configuration.change;
  const tables = await namedTables(catalogue, { publication, names });
  const reader = await ChunkReader.open(catalogue.databaseUrl, { slot: configuration.slot, publication });
  try {
    for (const table of tables) {
      const described = requireKey(await reader.describe(table), table);
      await reader.check(described, where);
    }
    return tables;
  } finally {
    await reader.close();
  }
}

function answer(
  { request }: SnapshotCommand,
  { ledger, topic, log }: CommandsOptions,
  word: Answer,
  next = ledger.log,
): void {
  ledger.offer([wordOf(topic, { ...word, request })], next);
  const { status, id, tables, reason } = word;
  log.info({ status, snapshot: id, tables, reason }, 'a command on snapshots is executed');
}
