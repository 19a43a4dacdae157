/** By what a transaction is found in the timeline: short texts, indexed with its position. */
import { createHash } from 'node:crypto';

export type Label =
  | { readonly tag: 'aggregate'; readonly aggregateType: string; readonly id: string }
  | { readonly tag: 'table'; readonly table: string }
  | { readonly tag: 'type'; readonly type: string }
  | { readonly tag: 'aggregate-type'; readonly aggregateType: string }
  /** It changed rows and carries no event. */
  | { readonly tag: 'silent' };

/** An entry of a B-tree takes about 2,700 bytes, of up to 4 bytes a character. */
const lengthMax = 600;

/** JSON, because a text of Postgres cannot hold every text of Kafka. */
export function labelText(label: Label): string {
  const text = JSON.stringify(Object.values(label));
  if (text.length <= lengthMax) return text;
  const digest = createHash('sha256').update(text).digest('base64');
  return JSON.stringify([label.tag, '', digest]);
}

/** What all labels of aggregates of the type begin with whose ids begin so. */
export function aggregatePrefix(aggregateType: string, idPrefix: string): string {
  return JSON.stringify(['aggregate', aggregateType, idPrefix]).slice(0, -2);
}

/** What all labels of a kind begin with. */
export function kindPrefix(tag: Label['tag']): string {
  return `${JSON.stringify([tag]).slice(0, -1)},`;
}

/** The last part of a label. */
export function lastPart(text: string): string {
  const parts: unknown = JSON.parse(text);
  return Array.isArray(parts) ? String(parts.at(-1)) : '';
}
