/** Logical messages (`pg_logical_emit_message`) as events, `op` m. */
import type { LogicalMessage } from '@diptych/pgoutput/message';
import { patternExpression } from '@diptych/runtime/pattern';
import { writeBytes } from './binary-values.ts';
import type { JsonWriter } from './json-writer.ts';
import type { ValueModes } from './value-modes.ts';

/** How the `transaction` block and END name all messages together, as Debezium does. */
export const messageCollection = 'LOGICAL_DECODING_MESSAGE';

/** Ours: outbox, context, heartbeat, watermarks. They never become events. */
const ownPrefix = 'diptych.';

export interface MessageSettings {
  /** Patterns of prefixes; with none all are published. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Which prefixes are published. `*` stands for any characters. */
export function messageFilter({ include, exclude }: MessageSettings): (prefix: string) => boolean {
  const included = include.map(patternExpression);
  const excluded = exclude.map(patternExpression);
  return (prefix) =>
    !prefix.startsWith(ownPrefix) &&
    (included.length === 0 || included.some((one) => one.test(prefix))) &&
    !excluded.some((one) => one.test(prefix));
}

/** `{prefix}` */
export function messageKey({ prefix }: LogicalMessage): Buffer {
  return Buffer.from(`{"prefix":${JSON.stringify(prefix)}}`);
}

/** `,"message":{prefix, content}` */
export function writeMessage(
  out: JsonWriter,
  { prefix, content }: LogicalMessage,
  binary: ValueModes['binary'],
): void {
  out.ascii(',"message":{"prefix":');
  out.string(Buffer.from(prefix));
  out.ascii(',"content":');
  writeBytes(out, content, binary);
  out.ascii('}');
}
