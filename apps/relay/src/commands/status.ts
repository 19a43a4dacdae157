import { OperatingError, operating } from '@diptych/runtime/failure';
import { openCatalogue } from '@diptych/wal/catalogue';
import { formatLsn } from '@diptych/wal/lsn';
import { inspectSlot, type Slot } from '@diptych/wal/slot';
import { z } from 'zod';
import type { Configuration } from '../configuration.ts';
import { Destination } from '../destination.ts';

/** What a running relay says of itself (`Board.toJSON`). */
const relayStatus = z.object({
  role: z.string(),
  receivedLsn: z.string(),
  publishedLsn: z.string(),
  flushedLsn: z.string(),
  lagMs: z.number(),
  lastError: z
    .object({ code: z.string(), message: z.string(), remedy: z.string(), at: z.string() })
    .nullable(),
  startedAt: z.string(),
});

export interface Status {
  readonly slot: {
    readonly name: string;
    readonly active: boolean;
    readonly confirmedFlushLsn: string;
    readonly restartLsn: string | null;
    readonly walStatus: string;
  } | null;
  readonly lagBytes: number | null;
  readonly lagMs: number | null;
  readonly checkpoint: {
    readonly lsn: string;
    readonly reportedLsn: string;
    readonly timeline: number;
  } | null;
  /** Null when no relay answers at the configured address. */
  readonly relay: z.output<typeof relayStatus> | null;
  /** What could not be read, and why. */
  readonly problems: readonly Problem[];
}

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

const relayAnswerTimeoutMs = 2000;

/** Prints the state of slot, checkpoint and relay, as far as each can be reached; answers whether all were. */
export async function showStatus({
  configuration,
  json,
  out,
}: {
  configuration: Configuration;
  json: boolean;
  out: NodeJS.WritableStream;
}): Promise<boolean> {
  const status = await readStatus(configuration);
  out.write(json ? `${JSON.stringify(status)}\n` : describe(status, configuration));
  return status.problems.length === 0;
}

/** Reads slot, checkpoint and relay, each by itself: one that cannot be reached is a problem in its place. */
export async function readStatus(configuration: Configuration): Promise<Status> {
  const problems: Problem[] = [];
  const slot = await attempt(() => readSlot(configuration), problems);
  const checkpoint = await attempt(() => new Destination(configuration).readCheckpoint(), problems);
  const relay = await askRelay(configuration.http);
  return {
    slot: slot && {
      name: slot.name,
      active: slot.active,
      confirmedFlushLsn: formatLsn(slot.confirmedFlushLsn),
      restartLsn: slot.restartLsn === null ? null : formatLsn(slot.restartLsn),
      walStatus: slot.walStatus,
    },
    lagBytes: slot && Number(slot.lagBytes),
    lagMs: relay?.lagMs ?? null,
    checkpoint: checkpoint && {
      lsn: formatLsn(checkpoint.lsn),
      reportedLsn: formatLsn(checkpoint.reportedLsn),
      timeline: checkpoint.timeline,
    },
    relay,
    problems,
  };
}

async function readSlot({ database, slot }: Configuration): Promise<Slot | null> {
  const catalogue = await openCatalogue(database.url);
  try {
    return await inspectSlot(catalogue, slot);
  } finally {
    await catalogue.close();
  }
}

async function attempt<T>(read: () => Promise<T>, problems: Problem[]): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    const { code, message, remedy } = operating(error);
    problems.push({ code, message, remedy });
    return null;
  }
}

async function askRelay({ host, port }: Configuration['http']): Promise<Status['relay']> {
  if (port === 0) return null;
  try {
    const signal = AbortSignal.timeout(relayAnswerTimeoutMs);
    const answer = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}/status`, {
      signal,
    });
    const parsed = relayStatus.safeParse(await answer.json());
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (error instanceof OperatingError) throw error;
    return null; // nobody listens there: the slot and the checkpoint still say where things stand
  }
}

function describe(
  { slot, lagBytes, lagMs, checkpoint, relay, problems }: Status,
  { slot: name, http }: Configuration,
): string {
  const lines = [
    slot
      ? `slot        ${slot.name}, ${slot.active ? 'held by a relay' : 'held by nobody'}, flushed ${slot.confirmedFlushLsn}, WAL ${slot.walStatus}`
      : `slot        ${name} ${problems.length > 0 ? 'is not known' : 'does not exist: run `diptych init`'}`,
    checkpoint
      ? `checkpoint  reported ${checkpoint.reportedLsn}, last transaction ${checkpoint.lsn}, timeline ${checkpoint.timeline}`
      : 'checkpoint  none',
    `lag         ${lagBytes ?? '?'} bytes, ${lagMs === null ? 'time unknown' : `${(lagMs / 1000).toFixed(1)} s`}`,
    relay
      ? `relay       ${relay.role} since ${relay.startedAt}, received ${relay.receivedLsn}, published ${relay.publishedLsn}`
      : `relay       none answers at ${http.host}:${http.port}`,
  ];
  if (relay?.lastError) {
    const { code, message, remedy, at } = relay.lastError;
    lines.push(`last error  ${code} at ${at}: ${message}`, `            → ${remedy}`);
  }
  for (const { code, message, remedy } of problems)
    lines.push(`problem     ${message} (${code})`, `            → ${remedy}`);
  return `${lines.join('\n')}\n`;
}
