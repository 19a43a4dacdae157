/** Gives versions without gaps to the events of an aggregate, by the three rules of docs/wire.md ("Outbox tables"). */
import { assert } from '@diptych/runtime/assert';
import { type OutboxPort, quoteTable } from './port.ts';

/** What the events are about: the name of its kind and its id, as text. */
export interface Aggregate {
  readonly type: string;
  readonly id: string;
}

export interface HeadMove {
  /** The table of heads, `schema.table` or `table`. */
  readonly heads: string;
  readonly aggregate: Aggregate;
  readonly count: number;
  readonly expectedVersion?: bigint | undefined;
}

/**
 * Moves the aggregate's head by `count` and returns its new version, or undefined when the head is not at
 * `expectedVersion` (0: the aggregate must be new; left out: wherever it is). No row back is an answer, not an error:
 * the transaction stays usable. The row lock is held until the transaction ends, which makes version order commit order.
 */
export async function advanceHead(port: OutboxPort, move: HeadMove): Promise<bigint | undefined> {
  const { heads, aggregate, count, expectedVersion } = move;
  assert(Number.isSafeInteger(count) && count > 0, `a head moves by whole events, not by ${count}`);
  assert(expectedVersion === undefined || expectedVersion >= 0n, `no version is ${expectedVersion}`);
  const table = quoteTable(heads);
  const key = [aggregate.type, aggregate.id];
  const insert = `insert into ${table} as head (aggregatetype, aggregateid, version) values ($1::text, $2::text, $3::bigint)`;
  const returning = 'returning head.version::text as version';
  const by = String(count);
  const rows =
    expectedVersion === undefined
      ? await port.rows(
          `${insert} on conflict (aggregatetype, aggregateid)
           do update set version = head.version + excluded.version ${returning}`,
          [...key, by],
        )
      : expectedVersion === 0n
        ? await port.rows(`${insert} on conflict do nothing ${returning}`, [...key, by])
        : await port.rows(
            `update ${table} as head set version = head.version + $1::bigint
             where aggregatetype = $2::text and aggregateid = $3::text and version = $4::bigint ${returning}`,
            [by, ...key, String(expectedVersion)],
          );
  const [row] = rows;
  if (row === undefined) return undefined;
  assert(
    typeof row === 'object' && row !== null && 'version' in row && typeof row.version === 'string',
    'the port answers rows as objects by column',
  );
  return BigInt(row.version);
}
