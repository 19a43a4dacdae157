/** `diptych init`: publications, slot, topics, first checkpoint. Idempotent; refuses before it touches anything. */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { alterSlotFailover, supportsFailover } from '@diptych/wal/failover';
import { formatLsn } from '@diptych/wal/lsn';
import { qualifiedName } from '@diptych/wal/publication';
import { bringInStep, type Upkeep, type WantedPublication } from '@diptych/wal/publication-upkeep';
import { identifySystem, requireLogicalServer, type SourceSystem } from '@diptych/wal/server';
import {
  createSlot,
  currentWalEnd,
  dropSlot,
  type Hindrance,
  inspectSlot,
  type Slot,
} from '@diptych/wal/slot';
import { requireUsableIdentity } from '@diptych/wal/table';
import type { Configuration } from './configuration.ts';
import { Destination } from './destination.ts';
import { putBack } from './failover/crossing.ts';
import { writeFirstCheckpoint } from './first-checkpoint.ts';
import { withGap } from './gap.ts';
import { changeTopic } from './panels.ts';
import { requireFitting, wantedPublications } from './publications.ts';
import { refuseForeign } from './refusal.ts';
import { createSlotToRead, type ExportedSnapshot } from './snapshot/exported-snapshot.ts';
import { planInitial } from './snapshot/initial-plan.ts';

export interface InitialiseOptions {
  readonly configuration: Configuration;
  /** Write a checkpoint at the position of a slot that is there already, whatever was published before. */
  readonly fromSlot: boolean;
  /** Told each step, in words. */
  readonly say: (line: string) => void;
  /** Asked with `fromSlot` before what is published already comes again; yes when there is nobody to ask. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /**
   * For who reads tables first: told the state that a new slot begins with, which it closes. Left out, and with a
   * `snapshot.mode` that wants tables, the slot is left to `run`.
   */
  readonly onExported?: (exported: ExportedSnapshot) => void;
}

/** Prepares database and Kafka for the relay. Answers false when `confirm` declined. Throws OperatingError. */
export async function initialise(options: InitialiseOptions): Promise<boolean> {
  const { configuration, say } = options;
  const catalogue = await openCatalogue(configuration.database.url, {
    queryTimeoutMs: slotCreationTimeoutMs,
  });
  try {
    await requireLogicalServer(catalogue);
    const { outbox, change } = await wantedPublications(catalogue, configuration);
    requireTables(configuration, change);
    requireUsableIdentity([...outbox.tables], { viaRoot: false });
    requireUsableIdentity([...change.tables], change);
    const isGiven = configuration.publication === 'given';
    if (isGiven) await requireFitting(catalogue, configuration);
    const destination = new Destination(configuration);
    await destination.ensureOwnTopics();
    const source = await identifySystem(catalogue.databaseUrl);
    const checkpoint = await destination.readCheckpoint();
    refuseForeign(checkpoint, source);
    await destination.ensureTopics(
      change.tables.map((table) => ({ topic: changeTopic(configuration, table) })),
    );
    say(`Kafka: topics for ${change.tables.length} business tables are there`);
    const isDivided = checkpoint !== null && checkpoint.part !== null;
    for (const wanted of [outbox, change]) {
      if (isGiven) say(`publication ${wanted.name}: given, ${namesOf(wanted)}`);
      else await publish({ catalogue, configuration, wanted, isDivided, say });
    }
    await prepareForFailover({ catalogue, configuration, say });
    const isLeft = configuration.snapshot.mode !== 'no_data' && !options.onExported && !options.fromSlot;
    if (isLeft && !(await inspectSlot(catalogue, configuration.slot))) {
      say(`slot ${configuration.slot}: made by \`diptych run\`, which reads the tables first`);
      return true;
    }
    return await begin({ ...options, catalogue, source, destination });
  } finally {
    await catalogue.close();
  }
}

/** Slot creation waits for open transactions, which may be long ones: `say` tells which. */
const slotCreationTimeoutMs = 3_600_000;

/** What was asked for by name has to be there; all tables are all tables, also when there is none yet. */
function requireTables({ change }: Configuration, { tables }: WantedPublication): void {
  const asked = change.include.filter((pattern) => pattern !== '*.*');
  if (tables.length > 0 || asked.length === 0) return;
  throw new OperatingError('configuration-invalid', `change.include: ${asked.join(', ')} fits no table`, {
    remedy: 'Correct DIPTYCH_CHANGE_INCLUDE or DIPTYCH_CHANGE_EXCLUDE, or create the table first.',
  });
}

/** Nothing is taken from a relay that streams: it does so itself when it starts anew. */
async function publish({
  catalogue,
  configuration,
  wanted,
  isDivided,
  say,
}: {
  catalogue: Catalogue;
  configuration: Configuration;
  wanted: WantedPublication;
  isDivided: boolean;
  say: (line: string) => void;
}): Promise<void> {
  const slot = await inspectSlot(catalogue, configuration.slot);
  const mayTakeOut = !slot?.active && !isDivided;
  const done = await bringInStep(catalogue.databaseUrl, wanted, { mayTakeOut });
  const [refused] = done.refused;
  if (refused) throw refused.failure;
  say(`publication ${wanted.name}: ${outcomeOf(done)}, ${namesOf(wanted)}`);
}

const namesOf = ({ tables }: WantedPublication): string =>
  tables.map(qualifiedName).join(', ') || 'no tables';

function outcomeOf({ created, added, removed, left, viaRoot }: Upkeep): string {
  if (created) return 'created';
  const parts = [
    ...(left.length > 0 ? [`${left.map(qualifiedName).join(', ')} until the relay starts anew`] : []),
    ...(added.length > 0 ? ['extended'] : []),
    ...(removed.length > 0 ? [`without ${removed.map(qualifiedName).join(', ')}`] : []),
    ...(viaRoot === null ? [] : [`partitions as ${viaRoot ? 'their root' : 'themselves'}`]),
  ];
  return parts.join(', ') || 'unchanged';
}

/** An existing slot becomes what the configuration says; a new one is made so. */
async function prepareForFailover({
  catalogue,
  configuration: { slot: name, failover },
  say,
}: {
  catalogue: Catalogue;
  configuration: Configuration;
  say: (line: string) => void;
}): Promise<void> {
  const slot = await inspectSlot(catalogue, name);
  if (slot === null || slot.failover === null || slot.failover === failover) return;
  // Nothing comes of a lost one any more, and the server alters none.
  if (slot.walStatus === 'lost') return;
  const becomes = failover ? 'may synchronise it' : 'synchronise it no longer';
  if (slot.active) {
    say(`slot ${name}: held by a relay; stop it and run \`diptych init\` again, so that standbys ${becomes}`);
    return;
  }
  await alterSlotFailover(catalogue, { name, failover });
  say(`slot ${name}: standbys ${becomes} from now on`);
}

async function begin(beginning: Beginning): Promise<boolean> {
  const { catalogue, configuration, source, destination, fromSlot, say } = beginning;
  const name = configuration.slot;
  const existing = await inspectSlot(catalogue, name);
  const checkpoint = await destination.readCheckpoint();
  const isLost = existing?.walStatus === 'lost';
  const now = { source, walEnd: await currentWalEnd(catalogue) };
  const broken = breakOf({ name, existing, checkpoint, isLost }) ?? (checkpoint && putBack(checkpoint, now));
  if (checkpoint && existing && !broken && !fromSlot) {
    say(`slot ${name}: there already, checkpoint ${formatLsn(checkpoint.reportedLsn)}`);
    return true;
  }
  if (broken && !fromSlot) throw await withGap(broken, { catalogue, configuration });
  if (existing?.active) {
    throw new OperatingError('slot-held', `slot ${name} is in use`, {
      remedy: 'Stop the relay that holds it first.',
    });
  }
  // Nothing comes of an invalidated slot any more; only a new one can go on.
  if (isLost) await dropSlot(catalogue, name);
  const before = checkpoint?.snapshot ?? null;
  const isRead = beginning.onExported !== undefined;
  const snapshot = isRead ? await planInitial(catalogue, { configuration, before }) : null;
  const exported = isLost || !existing ? await create({ catalogue, configuration, say, isRead }) : null;
  try {
    const isDone = await writeFirstCheckpoint({ ...beginning, broken, snapshot });
    if (exported) beginning.onExported?.(exported);
    return isDone;
  } catch (error) {
    await exported?.close();
    throw error;
  }
}

interface Beginning extends InitialiseOptions {
  readonly catalogue: Catalogue;
  readonly source: SourceSystem;
  readonly destination: Destination;
}

/** Why slot and checkpoint do not belong together; null when they do, or when there is neither. */
function breakOf({
  name,
  existing,
  checkpoint,
  isLost,
}: {
  name: string;
  existing: Slot | null;
  checkpoint: Checkpoint | null;
  isLost: boolean;
}): OperatingError | null {
  const begin = '`diptych init --from-slot`';
  if (isLost)
    return new OperatingError(
      'slot-lost',
      `slot ${name} is lost: ${existing?.invalidationReason ?? 'WAL removed'}`,
      {
        remedy: `${begin} makes it anew, with that gap; \`diptych snapshot\` reads the tables if you need what lies between.`,
      },
    );
  if (checkpoint && !existing)
    return new OperatingError('slot-lost', `there is a checkpoint of slot ${name}, but no slot`, {
      remedy: `${begin} makes a new slot that begins now; \`diptych snapshot\` reads the tables if you need what lies between.`,
    });
  if (existing && !checkpoint)
    return new OperatingError('checkpoint-missing', `slot ${name} exists, but no checkpoint of it`, {
      remedy: `${begin} begins at the slot’s position; what was published after it comes again.`,
    });
  return null;
}

/** Creates the slot; answers the state that it begins with when tables are to be read. */
async function create({
  catalogue,
  configuration,
  say,
  isRead,
}: Pick<Beginning, 'catalogue' | 'configuration' | 'say'> & {
  readonly isRead: boolean;
}): Promise<ExportedSnapshot | null> {
  const { slot: name } = configuration;
  const waitingFor = (hindrances: readonly Hindrance[]) =>
    say(`slot ${name}: waiting for open transactions to end: ${hindrances.map(hindranceText).join(', ')}`);
  const observer = await openCatalogue(catalogue.databaseUrl);
  try {
    const failover = configuration.failover && (await supportsFailover(catalogue));
    if (isRead) return await createSlotToRead({ catalogue, observer, configuration, failover, waitingFor });
    await createSlot({ creator: catalogue, observer, name, failover, waitingFor });
    return null;
  } finally {
    await observer.close();
  }
}

const hindranceText = ({ pid, application, state, openForSeconds }: Hindrance): string =>
  `pid ${pid} (${application || 'no name'}, ${state}, ${openForSeconds} s)`;
