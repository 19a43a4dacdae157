/** `diptych outbox retain`: partitions of an outbox ahead of time, and away when their time is over and they are published. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Partition, planRetention } from '@diptych/outbox/retention';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { type Lsn, parseLsn } from '@diptych/wal/lsn';
import { requireSlot } from '@diptych/wal/slot';
import type { Configuration } from '../configuration.ts';
import {
  createPartition,
  type Detached,
  detachPartition,
  dropDetached,
  listDetached,
  listPartitions,
  walPosition,
} from '../outbox-partitions.ts';

export interface RetainOptions {
  readonly configuration: Configuration;
  /** `schema.table` */
  readonly table: string;
  readonly keepMs: number;
  readonly aheadMs: number;
  /** How long to wait for the relay to publish what the partitions hold. */
  readonly waitMs: number;
  readonly nowMs?: number;
}

/** What was done, for the record. Sizes in bytes. */
export interface Retained {
  readonly table: string;
  readonly created: readonly string[];
  /** Not made: the default partition has rows of that time, or is being written to. */
  readonly postponed: readonly string[];
  readonly dropped: readonly {
    readonly name: string;
    readonly bytes: number | null;
    readonly to: string | null;
  }[];
  /** `not-published`: the slot has not confirmed them; `busy`: somebody holds a lock on them. */
  readonly kept: readonly { readonly name: string; readonly reason: 'not-published' | 'busy' }[];
}

const pollIntervalMs = 200;

/**
 * First makes partitions, then drops those whose time is over. None is dropped before the slot has confirmed a position
 * behind its last row: while it is there, a lost slot can be answered from it. Throws OperatingError:
 * `outbox-not-partitioned`; `slot-missing` and `slot-lost`, with nothing dropped.
 */
export async function retain(options: RetainOptions): Promise<Retained> {
  const { configuration, table, nowMs = Date.now() } = options;
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const partitions = await listPartitions(catalogue, table);
    const name = table.slice(table.indexOf('.') + 1);
    const { create, expired } = planRetention({ ...options, table: name, partitions, nowMs });
    const created: string[] = [];
    const postponed: string[] = [];
    for (const partition of create) {
      const isMade = await createPartition(catalogue, { table, partition });
      (isMade ? created : postponed).push(partition.name);
    }
    const left = await listDetached(catalogue, table);
    const gone =
      expired.length + left.length > 0 ? await release(catalogue, { options, expired, left }) : none;
    return { table, created, postponed, ...gone };
  } finally {
    await catalogue.close();
  }
}

type Gone = Pick<Retained, 'dropped' | 'kept'>;

const none: Gone = { dropped: [], kept: [] };

/**
 * Nothing is touched before all that is committed now is published. Then each is taken out of its table, which fixes what
 * is in it, and dropped when that is published too.
 */
async function release(
  catalogue: Catalogue,
  {
    options,
    expired,
    left,
  }: { options: RetainOptions; expired: readonly Partition[]; left: readonly Detached[] },
): Promise<Gone> {
  const { table, configuration, waitMs } = options;
  const wait = { slot: configuration.slot, deadline: performance.now() + waitMs };
  const notPublished = ({ name }: { name: string }) => ({ name, reason: 'not-published' as const });
  if (!(await isPublished(catalogue, { ...wait, lsn: parseLsn(await walPosition(catalogue)) }))) {
    return { dropped: [], kept: [...expired, ...left].map(notPublished) };
  }
  const detached: Detached[] = [...left];
  const kept: Retained['kept'][number][] = [];
  for (const { name } of expired) {
    const one = await detachPartition(catalogue, { table, name });
    if (one) detached.push(one);
    else kept.push({ name, reason: 'busy' });
  }
  const dropped: Retained['dropped'][number][] = [];
  for (const one of detached) {
    if (await isPublished(catalogue, { ...wait, lsn: one.lsn })) {
      await dropDetached(catalogue, one);
      const was = expired.find(({ name }) => name === one.name);
      const to = was?.toMs == null ? null : new Date(was.toMs).toISOString();
      dropped.push({ name: one.name, bytes: was ? Number(was.bytes) : null, to });
    } else kept.push(notPublished(one));
  }
  return { dropped, kept };
}

/** Whether the slot confirms the position in time: it does so only after Kafka has committed what stands before it. */
async function isPublished(
  catalogue: Catalogue,
  { slot, lsn, deadline }: { slot: string; lsn: Lsn; deadline: number },
): Promise<boolean> {
  for (;;) {
    const { confirmedFlushLsn } = await requireSlot(catalogue, slot);
    if (confirmedFlushLsn >= lsn) return true;
    if (performance.now() >= deadline) return false;
    await sleep(pollIntervalMs);
  }
}

/** What `diptych outbox retain` prints. */
export function describeRetained({ table, created, postponed, dropped, kept }: Retained): string {
  const why = { 'not-published': 'not published yet', busy: 'in use' } as const;
  const lines = [
    ...created.map((name) => `made ${name}`),
    ...postponed.map((name) => `not made ${name}: the default partition has its rows, or is written to`),
    ...dropped.map(({ name, bytes, to }) => `dropped ${name}${to ? `, until ${to}, ${bytes} bytes` : ''}`),
    ...kept.map(({ name, reason }) => `kept ${name}: ${why[reason]}`),
  ];
  return `${table}: ${lines.length === 0 ? 'nothing to do' : ''}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
