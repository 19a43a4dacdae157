import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { OperatingError, operating } from '@diptych/runtime/failure';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { type FailoverGap, failoverGaps, observeFailover } from '@diptych/wal/failover';
import { formatLsn } from '@diptych/wal/lsn';
import { inspectSlot, type Slot } from '@diptych/wal/slot';
import { z } from 'zod';
import { type Failure, failureOf } from '../board.ts';
import type { Configuration } from '../configuration.ts';
import { Destination } from '../destination.ts';
import { textOf } from '../failover/gaps.ts';
import { outlook } from '../outlook.ts';
import { describeReading, snapshotReading } from './snapshot-reading.ts';

const failure = z.object({
  code: z.string(),
  message: z.string(),
  retry: z.enum(['timed', 'operator', 'never']),
  remedy: z.string(),
  at: z.string(),
});

/** What a running relay says of itself (`Board.toJSON`). */
const relayStatus = z.object({
  role: z.string(),
  delivery: z.string(),
  ready: z.boolean(),
  standstill: z.object({ forMs: z.number(), bytes: z.number(), reason: z.string() }).nullable(),
  receivedLsn: z.string(),
  publishedLsn: z.string(),
  flushedLsn: z.string(),
  lagMs: z.number(),
  lastError: failure.nullable(),
  parkedKeys: z.number(),
  partitionsUnused: z.array(z.object({ topic: z.string(), agreed: z.number(), found: z.number() })),
  unpublished: z.array(z.object({ table: z.string(), reason: z.string(), remedy: z.string() })),
  snapshot: snapshotReading,
  startedAt: z.string(),
});

export interface Status {
  /**
   * That of the relay that answers: its role, or `stalled`. Without one: `held` by a relay that does not answer here,
   * `refused` when a relay that starts now would refuse, `unheld`, `unknown`.
   */
  readonly state: string;
  readonly slot: {
    readonly name: string;
    readonly active: boolean;
    readonly activePid: number | null;
    readonly confirmedFlushLsn: string;
    readonly restartLsn: string | null;
    readonly walStatus: string;
    readonly invalidationReason: string | null;
    /** Whether standbys may synchronise it; null before PostgreSQL 17. */
    readonly failover: boolean | null;
  } | null;
  /** What is missing for the slot to survive a failover (docs/failover.md); null when it is not asked for. */
  readonly failoverGaps: readonly FailoverGap[] | null;
  readonly lagBytes: number | null;
  readonly lagMs: number | null;
  readonly checkpoint: {
    readonly lsn: string;
    readonly reportedLsn: string;
    readonly timeline: number;
    /** A transaction that is published in part. */
    readonly partLsn: string | null;
  } | null;
  /** Null when no relay answers at the configured address. */
  readonly relay: z.output<typeof relayStatus> | null;
  /** The relay's last; without a relay that answers, what one that starts now would refuse. */
  readonly lastError: Failure | null;
  /** What could not be read, and why. */
  readonly problems: readonly Failure[];
}

const relayAnswerTimeoutMs = 2000;

/** Prints the state of slot, checkpoint and relay, as far as each can be reached; answers whether all were,
 * and a relay could work. */
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
  return status.problems.length === 0 && status.state !== 'refused';
}

/** Reads slot, checkpoint and relay, each by itself: one that cannot be reached is a problem in its place. */
export async function readStatus(configuration: Configuration): Promise<Status> {
  const problems: Failure[] = [];
  const relay = await askRelay(configuration.http);
  // The slot before the checkpoint: a position that is reported stands in a checkpoint already.
  const read = await attempt(
    () => withCatalogue(configuration, (it) => readSlot(it, configuration)),
    problems,
  );
  const slot = read?.slot ?? null;
  const checkpoint = await attempt(() => new Destination(configuration).readCheckpoint(), problems);
  // While a relay holds the slot, it says itself what is wrong.
  const mayAsk = problems.length === 0 && !relay && !slot?.active;
  const refused = mayAsk
    ? await attempt(
        () => withCatalogue(configuration, (it) => outlook(it, { configuration, slot, checkpoint })),
        problems,
      )
    : null;
  return {
    state: stateOf({ relay, slot, refused, isKnown: problems.length === 0 }),
    slot: slot && describeSlot(slot),
    failoverGaps: read?.failoverGaps ?? null,
    lagBytes: slot && Number(slot.lagBytes),
    lagMs: relay?.lagMs ?? null,
    checkpoint: checkpoint && describeCheckpoint(checkpoint),
    relay,
    lastError: relay ? relay.lastError : refused && failureOf(refused),
    problems,
  };
}

function stateOf({
  relay,
  slot,
  refused,
  isKnown,
}: {
  relay: Status['relay'];
  slot: Slot | null;
  refused: OperatingError | null;
  isKnown: boolean;
}): string {
  if (relay) return relay.standstill ? 'stalled' : relay.role;
  if (!isKnown) return 'unknown';
  if (slot?.active) return 'held';
  return refused ? 'refused' : 'unheld';
}

function describeSlot(slot: Slot): NonNullable<Status['slot']> {
  const { name, active, activePid, walStatus, invalidationReason, failover } = slot;
  const { confirmedFlushLsn, restartLsn } = slot;
  return {
    ...{ name, active, activePid, walStatus, invalidationReason, failover },
    confirmedFlushLsn: formatLsn(confirmedFlushLsn),
    restartLsn: restartLsn === null ? null : formatLsn(restartLsn),
  };
}

function describeCheckpoint({
  lsn,
  reportedLsn,
  timeline,
  part,
}: Checkpoint): NonNullable<Status['checkpoint']> {
  return {
    lsn: formatLsn(lsn),
    reportedLsn: formatLsn(reportedLsn),
    timeline,
    partLsn: part && formatLsn(part.lsn),
  };
}

async function readSlot(
  catalogue: Catalogue,
  { slot: name, failover }: Configuration,
): Promise<{ slot: Slot | null; failoverGaps: FailoverGap[] | null }> {
  const slot = await inspectSlot(catalogue, name);
  const observed = slot && failover ? await observeFailover(catalogue, name) : null;
  return { slot, failoverGaps: observed && failoverGaps(observed) };
}

async function withCatalogue<T>(
  { database }: Configuration,
  use: (catalogue: Catalogue) => Promise<T>,
): Promise<T> {
  const catalogue = await openCatalogue(database.url);
  try {
    return await use(catalogue);
  } finally {
    await catalogue.close();
  }
}

async function attempt<T>(read: () => Promise<T>, problems: Failure[]): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    problems.push(failureOf(operating(error)));
    return null;
  }
}

/** What the relay at this address says of itself; null when none answers. */
export async function askRelay({ host, port }: Configuration['http']): Promise<Status['relay']> {
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

export function describe(status: Status, { slot: name, http }: Configuration): string {
  const { state, slot, failoverGaps, lagBytes, lagMs, checkpoint, relay, lastError, problems } = status;
  const holder = slot?.active ? `held by process ${slot.activePid} of the server` : 'held by nobody';
  const lost = slot?.invalidationReason ? ` (${slot.invalidationReason})` : '';
  const lines = [
    `state       ${state}${relay?.standstill ? `: ${relay.standstill.reason}` : ''}`,
    slot
      ? `slot        ${slot.name}, ${holder}, flushed ${slot.confirmedFlushLsn}, WAL ${slot.walStatus}${lost}`
      : `slot        ${name} ${problems.length > 0 ? 'is not known' : 'does not exist'}`,
    checkpoint
      ? `checkpoint  reported ${checkpoint.reportedLsn}, last transaction ${checkpoint.lsn}, timeline ${checkpoint.timeline}` +
        (checkpoint.partLsn === null ? '' : `, in part ${checkpoint.partLsn}`)
      : 'checkpoint  none',
    `lag         ${lagBytes ?? '?'} bytes, ${lagMs === null ? 'time unknown' : `${(lagMs / 1000).toFixed(1)} s`}`,
    relay
      ? `relay       ${relay.role}, ${relay.delivery}, since ${relay.startedAt}, received ${relay.receivedLsn}, published ${relay.publishedLsn}`
      : `relay       none answers at ${http.host}:${http.port}`,
  ];
  if (relay && relay.parkedKeys > 0)
    lines.push(`parked      ${relay.parkedKeys} keys wait: \`diptych parked list\``);
  if (relay?.snapshot)
    lines.push(
      ...describeReading(relay.snapshot)
        .trimEnd()
        .split('\n')
        .map((line) => `snapshot    ${line}`),
    );
  for (const { topic, agreed, found } of relay?.partitionsUnused ?? [])
    lines.push(`partitions  ${topic} has ${found}, keys are placed in the first ${agreed}`);
  for (const { table, reason, remedy } of relay?.unpublished ?? [])
    lines.push(`unpublished ${table}: ${reason}`, `            → ${remedy}`);
  if (lastError) lines.push(...failureLines('last error', lastError));
  for (const gap of failoverGaps ?? [])
    lines.push(`failover    ${textOf(gap)}`, `            → ${gap.remedy}`);
  for (const problem of problems) lines.push(...failureLines('problem', problem));
  return `${lines.join('\n')}\n`;
}

const whatNext = { timed: 'tried again', operator: 'needs a person', never: 'would fail again' } as const;

function failureLines(what: string, { code, message, retry, remedy, at }: Failure): string[] {
  return [`${what.padEnd(12)}${code} (${whatNext[retry]}) at ${at}: ${message}`, `            → ${remedy}`];
}
