/** The settings of snapshots (docs/snapshots.md). */
import { z } from 'zod';

const mebibyte = 1024 * 1024;

const bound = (fallback: number, description: string) =>
  z.number().int().positive().default(fallback).meta({ description });

/** Which rows of a table are read. */
const conditionSchema = z.strictObject({ table: z.string().min(1), condition: z.string().min(1) });

export const snapshotSettings = z
  .strictObject({
    mode: z
      .enum(['no_data', 'initial', 'initial_only', 'always', 'when_needed'])
      .default('no_data')
      .meta({
        description:
          'When `run` reads the tables by itself (`snapshot.mode`): never, once before the stream begins, that and then it ' +
          'ends, at each start, or once and again when slot or checkpoint are lost (docs/snapshots.md).',
      }),
    tables: z
      .array(z.string().min(1))
      .default(['*.*'])
      .meta({
        description:
          'The tables that it reads then, `schema.table`, `*` for any characters (`snapshot.include.collection.list`). An outbox ' +
          'table only when its name is here in full.',
      }),
    where: z.array(conditionSchema).default([]).meta({
      description:
        'Conditions in SQL on the rows that are read then, `{"table": "schema.table", "condition": "…"}`; in the variable as JSON.',
    }),
    watermarks: z
      .enum(['messages', 'none'])
      .default('messages')
      .meta({
        description:
          'How the end of a chunk’s window shows itself in the stream: by a logical message, or by its position alone, for a role ' +
          'that may not emit messages.',
      }),
    connections: bound(2, 'How many tables are read at once before the stream begins.'),
    chunkRowsMax: bound(4096, 'Rows of a chunk.'),
    chunkBytesMax: bound(
      mebibyte,
      'Bytes of the rows of a chunk, after which the rest is left to the next one.',
    ),
  })
  .prefault({});
