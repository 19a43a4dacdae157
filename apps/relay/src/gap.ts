/** Which part of the WAL a refusal is about, and who went on without it. */
import { hostname, userInfo } from 'node:os';
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { unreachable } from '@diptych/runtime/assert';
import { type FailureCode, OperatingError } from '@diptych/runtime/failure';
import type { Catalogue } from '@diptych/wal/catalogue';
import { formatLsn, type Lsn } from '@diptych/wal/lsn';
import { identifySystem } from '@diptych/wal/server';
import { currentWalEnd, inspectSlot, type Slot } from '@diptych/wal/slot';
import type { Configuration } from './configuration.ts';
import { Destination } from './destination.ts';
import { onTimelineOf } from './failover/crossing.ts';
import type { AcceptedGap } from './parking/parked-record.ts';

/** What is known when something is refused. */
export interface Known {
  readonly checkpoint: Pick<Checkpoint, 'reportedLsn'> | null;
  readonly slot: Pick<Slot, 'confirmedFlushLsn'> | null;
  readonly walEnd: Lsn;
}

/** From the last position that is surely in Kafka, null when that is not known, to where the stream goes on. */
export interface Gap {
  readonly from: Lsn | null;
  readonly to: Lsn;
}

const gapCodes = [
  'publication-lost',
  'publication-changed',
  'slot-lost',
  'slot-missing',
  'slot-moved-or-recreated',
  'checkpoint-missing',
] as const satisfies readonly FailureCode[];

/** The refusals over missing changes. */
export type GapCode = (typeof gapCodes)[number];

export const isGapCode = (code: FailureCode): code is GapCode => gapCodes.some((one) => one === code);

/** The part of the WAL whose changes are in no topic, or may not be; null when nothing tells. */
export function gapOf(code: GapCode, { checkpoint, slot, walEnd }: Known): Gap | null {
  const from = checkpoint?.reportedLsn ?? null;
  switch (code) {
    case 'publication-lost':
    case 'publication-changed':
    case 'slot-lost':
      return { from: from ?? slot?.confirmedFlushLsn ?? null, to: walEnd };
    case 'slot-missing':
      return from === null ? null : { from, to: walEnd };
    case 'slot-moved-or-recreated':
      return { from, to: slot?.confirmedFlushLsn ?? walEnd };
    case 'checkpoint-missing':
      return slot === null ? null : { from: null, to: slot.confirmedFlushLsn };
    default:
      return unreachable(code);
  }
}

export function describeGap({ from, to }: Gap): string {
  return from === null
    ? `what lies before ${formatLsn(to)} may be missing or not, nothing tells`
    : `changes from ${formatLsn(from)} to ${formatLsn(to)} are missing`;
}

/** The refusal with the part of the WAL that it is about; as it is when that cannot be asked for. */
export async function withGap(
  failure: OperatingError,
  { catalogue, configuration }: { catalogue: Catalogue; configuration: Configuration },
): Promise<OperatingError> {
  const { code, message, cause } = failure;
  if (!isGapCode(code)) return failure;
  try {
    const gap = gapOf(code, await readKnown({ catalogue, configuration }));
    if (!gap) return failure;
    const remedy = code === 'slot-missing' ? slotMissingRemedy : failure.remedy;
    return new OperatingError(code, `${message}; ${describeGap(gap)}`, { remedy, cause });
  } catch (error) {
    if (error instanceof OperatingError) return failure;
    throw error;
  }
}

/** Not that of a relay that was never prepared. */
const slotMissingRemedy =
  '`diptych init --from-slot` makes a new slot that begins now, with that gap; `diptych snapshot` reads the tables if ' +
  'you need what lies between.';

/** The slot before the checkpoint: a position that is reported stands in a checkpoint already. */
async function readKnown({
  catalogue,
  configuration,
}: {
  catalogue: Catalogue;
  configuration: Configuration;
}): Promise<Known> {
  const slot = await inspectSlot(catalogue, configuration.slot);
  const walEnd = await currentWalEnd(catalogue);
  const checkpoint = await new Destination(configuration).readCheckpoint();
  const source = await identifySystem(catalogue.databaseUrl);
  return { slot, walEnd, checkpoint: checkpoint && onTimelineOf(checkpoint, source) };
}

/** What the parked topic keeps of a gap that the operator accepts now. */
export function accept(gap: Gap, { reason, detail }: { reason: string; detail: string }): AcceptedGap {
  return {
    tag: 'gap',
    from: gap.from === null ? null : formatLsn(gap.from),
    to: formatLsn(gap.to),
    reason,
    detail,
    acceptedBy: `${userName()}@${hostname()}`,
    acceptedAt: new Date().toISOString(),
  };
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
