/** Three ways to get an event into the WAL. What the relay makes of them is the same (docs/outbox.md says which to take). */
import { unreachable } from '@diptych/runtime/assert';
import { type OutboxPort, quoteTable } from './port.ts';

/**
 * `table`: rows are kept, an event store until retention drops them. `delete`: the row is deleted in the same transaction,
 * so that the table stays empty; the relay reads it from the WAL. `message`: no table at all, only
 * `pg_logical_emit_message`; after a lost slot nothing is left to read again.
 */
export type Emission =
  | { readonly tag: 'table' | 'delete'; readonly table: string }
  | { readonly tag: 'message'; readonly name: string };

/** An event with all that its row has; what the database itself fills in is left out. */
export interface EventRow {
  readonly id: string;
  readonly aggregatetype: string;
  readonly aggregateid: string;
  readonly type: string;
  /** JSON. */
  readonly payload: string;
  readonly aggregateversion: bigint;
  readonly typeversion: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Before the name of an outbox in the prefix of a logical message: docs/wire.md, "Outbox tables". */
export const messagePrefix = 'diptych.outbox:';

/**
 * Rows of one statement. Each binds eight parameters, and the protocol counts parameters in 16 bits: 65,535 at most.
 * https://www.postgresql.org/docs/18/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-BIND
 */
const rowsPerStatementMax = 1_000;

/** Writes the events in their order. */
export async function emit(port: OutboxPort, emission: Emission, rows: readonly EventRow[]): Promise<void> {
  for (let from = 0; from < rows.length; from += rowsPerStatementMax) {
    const some = rows.slice(from, from + rowsPerStatementMax);
    switch (emission.tag) {
      case 'table':
        await insert(port, emission.table, some);
        break;
      case 'delete':
        await insert(port, emission.table, some);
        await remove(port, emission.table, some);
        break;
      case 'message':
        await send(port, emission.name, some);
        break;
      default:
        unreachable(emission);
    }
  }
}

async function insert(port: OutboxPort, table: string, rows: readonly EventRow[]): Promise<void> {
  const types = ['uuid', 'text', 'text', 'text', 'jsonb', 'bigint', 'int', 'jsonb'];
  await port.rows(
    `insert into ${quoteTable(table)}
       (id, aggregatetype, aggregateid, type, payload, aggregateversion, typeversion, headers)
     values ${parameters(types, rows.length)}`,
    rows.flatMap((row) => [
      row.id,
      row.aggregatetype,
      row.aggregateid,
      row.type,
      row.payload,
      String(row.aggregateversion),
      String(row.typeversion),
      JSON.stringify(row.headers),
    ]),
  );
}

async function remove(port: OutboxPort, table: string, rows: readonly EventRow[]): Promise<void> {
  const ids = rows.map(({ id }) => id);
  await port.rows(`delete from ${quoteTable(table)} where id = any($1::uuid[])`, [`{${ids.join(',')}}`]);
}

/**
 * Head and payload, a line each. Both go through jsonb: the head, so that it is one line, and the payload, so that its
 * bytes are those of a row's `payload::text`. `occurredAt` is what `occurred_at` would be.
 */
async function send(port: OutboxPort, name: string, rows: readonly EventRow[]): Promise<void> {
  await port.rows(
    // Prisma refuses an answer of type pg_lsn.
    `select pg_logical_emit_message(true, event.prefix,
       (event.head || jsonb_build_object('occurredAt', now()))::text || chr(10) || event.payload::text)::text
     from (values ${parameters(['text', 'jsonb', 'jsonb'], rows.length)}) event (prefix, head, payload)`,
    rows.flatMap(({ payload, aggregateversion, ...row }) => [
      `${messagePrefix}${name}`,
      JSON.stringify({ ...row, aggregateversion: String(aggregateversion) }),
      payload,
    ]),
  );
}

/** `($1::uuid, $2::text), ($3::uuid, $4::text)` for two rows of these types. */
function parameters(types: readonly string[], rows: number): string {
  const row = (index: number) =>
    `(${types.map((type, place) => `$${index * types.length + place + 1}::${type}`).join(', ')})`;
  return Array.from({ length: rows }, (_, index) => row(index)).join(', ');
}
