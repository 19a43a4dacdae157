/** Reading from a projection what one has just written (docs/projections.md, "Read what you wrote"). */
import { setTimeout as sleep } from 'node:timers/promises';
import { identityHeader, readIdentity } from '@diptych/kafka/identity';
import { type OffsetsByTopic, readToEnd } from '@diptych/kafka/partition-reader';
import type { Brokers } from '@diptych/runtime/kafka-access';
import { parseCommitToken } from '@diptych/wal/commit-token';
import type { Lsn } from '@diptych/wal/lsn';
import type { ClientBase } from 'pg';
import { readGenerations } from './generations.ts';

export interface ProjectionPassedOptions {
  /** Where the projection is. */
  readonly database: Pick<ClientBase, 'query'>;
  readonly brokers: Brokers;
  /** Those that it follows. */
  readonly topics: readonly string[];
  readonly projection: string;
  /** `openPanels` of `@diptych/compare/open-panels`: they say when a commit is published. */
  readonly panels: {
    passed(token: string, options: { timeoutMs: number; signal?: AbortSignal | undefined }): Promise<unknown>;
  };
  /** Default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const timeoutMsDefault = 10_000;
/** Between two looks: a round of a projection takes some milliseconds. */
const lookMs = 50;

/**
 * Waits until the live generation has passed every event of the commit that a service answered with the token (`Diptych-Commit`),
 * and of those before it: what is asked of its views from then on knows of them. False when it has not within the time. An
 * event that it parked has been passed. Throws OperatingError: those of `Panels.passed` and of `readToEnd`; errors of the
 * database; the signal's reason.
 */
export async function projectionPassed(token: string, options: ProjectionPassedOptions): Promise<boolean> {
  const { panels, timeoutMs = timeoutMsDefault, signal } = options;
  const deadline = performance.now() + timeoutMs;
  await panels.passed(token, { timeoutMs, signal });
  // `passed` has refused what is no token.
  const lsn = parseCommitToken(token)?.lsn;
  if (lsn === undefined) return false;
  for (;;) {
    const positions = await positionsOf(options);
    if (positions !== null && !(await isOwed(lsn, { ...options, from: positions }))) return true;
    if (performance.now() > deadline) return false;
    await sleep(lookMs, undefined, { signal });
  }
}

/** Of the live generation, by topic and partition; null while there is none. */
async function positionsOf({
  database,
  projection,
}: Pick<ProjectionPassedOptions, 'database' | 'projection'>): Promise<OffsetsByTopic | null> {
  const live = (await readGenerations(database)).find(
    (one) => one.projection === projection && one.state === 'live',
  );
  if (live === undefined) return null;
  const { rows } = await database.query<{ topic: string; partition: number; next_offset: string }>(
    'select topic, partition, next_offset from inbox_positions where consumer_group = $1',
    [live.group],
  );
  const positions = new Map<string, bigint[]>();
  for (const { topic, partition, next_offset } of rows) {
    const offsets = positions.get(topic) ?? [];
    offsets[partition] = BigInt(next_offset);
    positions.set(topic, offsets);
  }
  return positions;
}

/** Whether a record of a commit up to the position stands where it has not read yet: within a partition the first one says it. */
async function isOwed(
  lsn: Lsn,
  { brokers, topics, from, signal }: ProjectionPassedOptions & { readonly from: OffsetsByTopic },
): Promise<boolean> {
  for await (const { headers } of readToEnd({ brokers, topics, from, signal })) {
    const identity = readIdentity(headers.get(identityHeader) ?? '');
    if (identity !== null && identity.commitLsn <= lsn) return true;
  }
  return false;
}
