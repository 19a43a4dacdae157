/** Which partitions an outbox is to have, and which it may lose: decided purely, from what there is and what time it is. */

/** One partition of a table that is partitioned by `occurred_at`; ms since 1970, null where it has no end. */
export interface Partition {
  /** `schema.table` */
  readonly name: string;
  readonly fromMs: number | null;
  /** Exclusive. */
  readonly toMs: number | null;
  /** Takes what no other partition takes: never made and never dropped here. */
  readonly isDefault: boolean;
  readonly bytes: bigint;
}

export interface NewPartition {
  /** Without schema: the table's, and the day in UTC. */
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

export interface RetentionPlan {
  readonly create: readonly NewPartition[];
  /** All of their time is over, and longer ago than is to be kept. */
  readonly expired: readonly Partition[];
}

export const dayMs = 86_400_000;

/** A partition for each day in UTC from today to `aheadMs` from now, where none is yet. */
export function planRetention({
  table,
  partitions,
  nowMs,
  keepMs,
  aheadMs,
}: {
  /** Its name without the schema. */
  table: string;
  partitions: readonly Partition[];
  nowMs: number;
  keepMs: number;
  aheadMs: number;
}): RetentionPlan {
  const ranges = partitions.filter(({ isDefault }) => !isDefault);
  const isFree = (fromMs: number) =>
    ranges.every(
      (range) => (range.toMs ?? Infinity) <= fromMs || (range.fromMs ?? -Infinity) >= fromMs + dayMs,
    );
  const today = Math.floor(nowMs / dayMs) * dayMs;
  const days = Math.floor((nowMs + aheadMs - today) / dayMs) + 1;
  return {
    create: Array.from({ length: days }, (_, day) => today + day * dayMs)
      .filter(isFree)
      .map((fromMs) => ({
        name: `${table}_p${dateOf(fromMs).replaceAll('-', '')}`,
        from: dateOf(fromMs),
        to: dateOf(fromMs + dayMs),
      })),
    expired: ranges.filter(({ toMs }) => toMs !== null && toMs <= nowMs - keepMs),
  };
}

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** `30d` or `12h`, in ms; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,5})([dh])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (unit === 'd' ? dayMs : dayMs / 24);
}
