/**
 * Who wrote a transaction, as it says itself in a logical message (`diptych audit install`, `packages/outbox`): END carries it
 * in a header.
 */
import type { DataMessage } from '@diptych/pgoutput/message';
import { contextPrefix } from '@diptych/wal/writer-context';

/** docs/wire.md, "Records". */
export const contextHeader = 'diptych-context';

/** Postgres cuts names at 63 bytes, and an address has 45 at most; others may write what they like. */
const textMax = 128;

/**
 * The header's value, `{application, user, client}` on one line; null for any other message, and for one that cannot be
 * read: it tells nothing, and stops nobody.
 */
export function writerContext(message: DataMessage): string | null {
  if (message.tag !== 'message' || message.prefix !== contextPrefix) return null;
  try {
    const said: unknown = JSON.parse(message.content.toString());
    if (typeof said !== 'object' || said === null) return null;
    const { application, user, client } = said as Readonly<Record<string, unknown>>;
    return JSON.stringify({ application: textOf(application), user: textOf(user), client: textOf(client) });
  } catch {
    return null;
  }
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' ? value.slice(0, textMax) : null;
