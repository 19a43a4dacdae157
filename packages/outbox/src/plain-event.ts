/** The domain event of a row that is nothing but its columns: which of them go where, nothing of it copied. */
import type { Row } from '@diptych/pgoutput/row';
import { isAscii, type KnownTexts } from './known-texts.ts';
import type { PlainHeader, RoutePlan } from './route-plan.ts';
import type { RoutedTopics } from './routed-topics.ts';
import type { RouterOptions } from './router-options.ts';

/** Its bytes are good until the next message is read. */
export interface PlainEvent {
  readonly topic: string;
  readonly eventType: string;
  readonly row: Row;
  readonly key: number;
  /** The payload's column; -1: the value is null. */
  readonly value: number;
  /** Columns whose texts are headers, with the headers' names. */
  readonly headers: readonly PlainHeader[];
}

/** Whether rows of a plan are plain as far as the settings say. */
export function isPlain(plan: RoutePlan, { expandJson, tombstoneOnEmpty }: RouterOptions): boolean {
  return (
    plan.placedHeaders.length === 0 &&
    plan.envelope === null &&
    plan.timestamp < 0 &&
    plan.partition < 0 &&
    expandJson === null &&
    !tombstoneOnEmpty
  );
}

/** The event of a row; null when it is out of the ordinary, or goes to a topic that none before it went to. */
export function plainEvent(
  row: Row,
  plan: RoutePlan,
  { topics, texts }: { readonly topics: RoutedTopics; readonly texts: KnownTexts },
): PlainEvent | null {
  if (!isValue(row, plan.key)) return null;
  const eventType = plainText(row, plan.type, texts);
  const routedBy = plainText(row, plan.route, texts);
  const topic = routedBy === null ? undefined : topics.known(routedBy);
  const headers = plainHeaders(row, plan);
  if (eventType === null || topic === undefined || headers === null) return null;
  const value = isValue(row, plan.payload) ? plan.payload : -1;
  return { topic, eventType, row, key: plan.key, value, headers };
}

/** The headers of a row, `id` and `eventType` first; null when one of them is no plain text, or the column `headers` has any. */
function plainHeaders(row: Row, plan: RoutePlan): readonly PlainHeader[] | null {
  const { headers: told } = plan;
  if (told >= 0 && row.start(told) >= 0 && !isEmptyObject(row, told)) return null;
  const hasVersion = isValue(row, plan.typeVersion) ? 1 : 0;
  const headers = plan.plainHeaders[hasVersion][isValue(row, plan.aggregateVersion) ? 1 : 0];
  for (const { column } of headers) {
    if (!isValue(row, column) || !isAscii(row.bytes, row.start(column), row.end(column))) return null;
  }
  return headers;
}

/** The text of a column, when it has one that is plain. */
function plainText(row: Row, column: number, texts: KnownTexts): string | null {
  return isValue(row, column) ? texts.of(row.bytes, row.start(column), row.end(column)) : null;
}

const isValue = (row: Row, column: number): boolean => column >= 0 && row.start(column) >= 0;

function isEmptyObject(row: Row, column: number): boolean {
  const start = row.start(column);
  return row.end(column) - start === 2 && row.bytes[start] === 0x7b && row.bytes[start + 1] === 0x7d;
}
