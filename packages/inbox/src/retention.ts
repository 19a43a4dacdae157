/**
 * How long it is remembered which events were handled. The position alone keeps an event from being handled twice in the
 * course of reading; the rows are for repeats: a relay that delivers at least once, a group that begins anew, a topic that was
 * written again. A repeat that comes later than this acts again.
 */
import type { ClientBase } from 'pg';

type Database = Pick<ClientBase, 'query'>;

/** Of one statement: it takes milliseconds, and holds nobody up. */
const rowsPerStatement = 5_000;
/** Of one call: what is left over goes the next time. */
const statementsMax = 200;

/** Deletes rows that are older, of handled events and of settled parked ones. Answers how many. */
export async function forgetOld(
  database: Database,
  { group, consumer, keepMs }: { group: string; consumer: string | null; keepMs: number },
): Promise<number> {
  const handled = `delete from inbox where (consumer, event_id) in (
    select consumer, event_id from inbox
    where consumer = $1 and received_at < now() - $2 * interval '1 ms' limit ${rowsPerStatement})`;
  const settled = `delete from inbox_parked where id in (
    select id from inbox_parked
    where consumer_group = $1 and settled_at < now() - $2 * interval '1 ms' limit ${rowsPerStatement})`;
  const ofHandled =
    consumer === null ? 0 : await untilNone(database, { text: handled, values: [consumer, keepMs] });
  return ofHandled + (await untilNone(database, { text: settled, values: [group, keepMs] }));
}

async function untilNone(
  database: Database,
  { text, values }: { text: string; values: readonly unknown[] },
): Promise<number> {
  let all = 0;
  for (let statement = 0; statement < statementsMax; statement += 1) {
    const { rowCount } = await database.query(text, [...values]);
    all += rowCount ?? 0;
    if ((rowCount ?? 0) < rowsPerStatement) break;
  }
  return all;
}
