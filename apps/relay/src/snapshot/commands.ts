/** What people ask of snapshots: executed by the relay that holds the slot, once, between two transactions. */
import { randomBytes } from 'node:crypto';
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
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

interface Answer {
  readonly word: Partial<SnapshotWord> & Pick<SnapshotWord, 'status'>;
  /** What is read from now on; left out: what is read already. */
  readonly log?: SnapshotLog;
}

/** Executes a command, and says so in the same Kafka transaction. Throws OperatingError for what ends the session. */
export async function execute(command: SnapshotCommand, options: CommandsOptions): Promise<void> {
  const { ledger, topic } = options;
  const unsaid = ledger.log.unsaid === null ? null : topic.wordOf(ledger.log.unsaid);
  // It was executed by a session that ended before it could say so.
  if (unsaid?.request === command.request) return await ledger.say(topic.encodeWord(unsaid));
  switch (command.command) {
    case 'start':
      return await start(command, options);
    case 'pause':
    case 'resume': {
      const paused = command.command === 'pause';
      return await answer(command, options, (log) =>
        log.tables.length === 0
          ? nothingToDo
          : { word: { status: paused ? 'paused' : 'resumed' }, log: { ...log, paused } },
      );
    }
    case 'stop':
      return await answer(command, options, (log) => stop(command.tables, log));
    default:
      return unreachable(command.command);
  }
}

const nothingToDo: Answer = {
  word: {
    status: 'refused',
    reason: 'no table is being read',
    remedy: '`diptych snapshot --table schema.table` begins one.',
  },
};

function stop(names: readonly string[], log: SnapshotLog): Answer {
  const isMeant = (table: TableName) => names.length === 0 || names.includes(tableText(table));
  const stopped = log.tables.filter(isMeant).map(tableText);
  if (stopped.length === 0) return nothingToDo;
  return { word: { status: 'stopped', tables: stopped }, log: without(log, isMeant) };
}

async function start(command: SnapshotCommand, options: CommandsOptions): Promise<void> {
  const { tables: names, where } = command;
  let tables: readonly TableName[];
  try {
    tables = await readableTables({ names, where }, options);
  } catch (error) {
    if (!notReadable(error)) throw error;
    const { message: reason, remedy } = error;
    return await answer(command, options, () => ({ word: { status: 'refused', reason, remedy } }));
  }
  const id = newSnapshotId();
  const asked = tables.map((table) => ({ ...table, where }));
  await answer(command, options, (log) => ({
    word: { status: 'started', id, tables: tables.map(tableText) },
    log: append(log, { id, kind: 'incremental', tables: asked }),
  }));
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

async function answer(
  { request }: SnapshotCommand,
  { ledger, topic, log: logger }: CommandsOptions,
  decide: (log: SnapshotLog) => Answer,
): Promise<void> {
  await ledger.enact(() => {
    const { word, log = ledger.log } = decide(ledger.log);
    const { status, id, tables, reason } = word;
    logger.info({ status, snapshot: id, tables, reason }, 'a command on snapshots is executed');
    return { log, word: wordOf(topic, { ...word, request }) };
  });
}
