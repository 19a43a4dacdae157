/** The relay's life: wait for the slot, run a session, and after a failure that may pass, begin anew. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { Tracer } from '@diptych/runtime/tracing';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { formatLsn } from '@diptych/wal/lsn';
import { identifySystem, requireLogicalServer } from '@diptych/wal/server';
import { untilSlotFree } from '@diptych/wal/slot';
import type { Board } from './board.ts';
import type { Configuration } from './configuration.ts';
import { Destination } from './destination.ts';
import { requireSurvivingSlot } from './failover/cross-timeline.ts';
import { warnOfFailoverGaps } from './failover/gaps.ts';
import { withGap } from './gap.ts';
import type { Metrics } from './metrics.ts';
import { requireFitting } from './publications.ts';
import { Session } from './session.ts';
import { type Accepted, type Again, acceptedNothing } from './session-context.ts';
import type { SessionOutcome } from './session-outcome.ts';
import type { ExportedSnapshot } from './snapshot/exported-snapshot.ts';
import { beginWithSnapshot } from './snapshot/mode.ts';
import { requirePublications } from './source.ts';

export interface RelayContext extends Accepted {
  readonly configuration: Configuration;
  readonly board: Board;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Left out: no spans. */
  readonly tracer?: Tracer;
  readonly stopping: AbortSignal;
}

const backOffMinMs = 100;

/**
 * Runs until `stopping`, then resolves with everything published and reported. Throws an OperatingError that does not
 * pass by itself; its remedy says what to do.
 */
export async function runRelay(context: RelayContext): Promise<void> {
  const { board, log, stopping, configuration } = context;
  board.delivery = configuration.delivery;
  let backOffMs = backOffMinMs;
  let accepted: Accepted = context;
  const again: Again = { isDue: configuration.snapshot.mode === 'always' };
  while (!stopping.aborted) {
    const outcome = await attempt({ ...context, ...accepted }, again);
    if (outcome.tag === 'stopped') break;
    const { failure, reached } = outcome;
    // What the operator saw and accepted is written down now. What comes later nobody has accepted.
    if (reached !== 'nothing') accepted = acceptedNothing;
    board.fail(failure);
    if (failure.retry !== 'timed') {
      board.role = 'stopped';
      throw failure;
    }
    board.role = 'backing-off';
    backOffMs =
      reached === 'published' ? backOffMinMs : Math.min(backOffMs * 2, configuration.timing.backOffMaxMs);
    log.warn(
      { code: failure.code, reason: failure.message, remedy: failure.remedy, backOffMs },
      'session over, beginning anew',
    );
    await sleep(backOffMs * (0.5 + Math.random()), undefined, { signal: stopping }).catch(() => {});
  }
  board.role = 'stopped';
  log.info({ flushed: formatLsn(board.flushed) }, 'stopped');
}

/** One attempt: checks what must be there, waits for the slot as a standby, runs a session. */
async function attempt(context: RelayContext, again: Again): Promise<SessionOutcome> {
  const { configuration, board, log, stopping } = context;
  let catalogue: Catalogue | null = null;
  let exported: ExportedSnapshot | null = null;
  try {
    catalogue = await openCatalogue(configuration.database.url);
    await requireLogicalServer(catalogue);
    const source = await identifySystem(catalogue.databaseUrl);
    const destination = new Destination(configuration);
    const beginning = { catalogue, configuration, destination, log, stopping };
    exported = await unlessStopped(beginWithSnapshot(beginning), stopping);
    // The first checkpoint has the tables: whatever ends the session, they are read.
    if (exported) again.isDue = false;
    const readCheckpoint = async () => {
      await unlessStopped(destination.ensureOwnTopics(), stopping);
      return await destination.readCheckpoint();
    };
    await requireSurvivingSlot({ catalogue, configuration, readCheckpoint, source });
    if (configuration.publication === 'given') await requireFitting(catalogue, configuration);
    // Missing ones are made by who holds the slot, when the operator accepts what that costs.
    const mayBeMade = context.acceptGap && configuration.publication === 'managed';
    if (!mayBeMade) await requirePublications(catalogue, configuration);
    if (configuration.failover) await warnOfFailoverGaps({ catalogue, configuration, board, log });
    await unlessStopped(destination.ensureOwnTopics(), stopping);
    await untilSlotFree(catalogue, {
      name: configuration.slot,
      signal: stopping,
      onHeld: (slot) => {
        if (board.role !== 'standby') log.info({ slot: slot.name, holder: slot.activePid }, 'standing by');
        board.standBy();
        board.lagBytes = slot.lagBytes;
      },
    });
    const connected = { catalogue, source, destination, exported, again };
    const outcome = await new Session({ ...context, ...connected }).run(stopping);
    if (outcome.tag === 'stopped') return outcome;
    return { ...outcome, failure: await withGap(outcome.failure, { catalogue, configuration }) };
  } catch (error) {
    if (stopping.aborted) return { tag: 'stopped' };
    if (!(error instanceof OperatingError)) throw error;
    const failure = catalogue ? await withGap(error, { catalogue, configuration }) : error;
    return { tag: 'failed', failure, reached: 'nothing' };
  } finally {
    await exported?.close();
    await catalogue?.close();
  }
}

/** The work's result; when the relay is asked to stop before that, its reason is thrown and the work left to itself. */
async function unlessStopped<T>(work: Promise<T>, stopping: AbortSignal): Promise<T> {
  work.catch(() => {});
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const stop = () => reject(stopping.reason);
  stopping.addEventListener('abort', stop, { once: true });
  try {
    stopping.throwIfAborted();
    return await Promise.race([work, stopped]);
  } finally {
    stopping.removeEventListener('abort', stop);
  }
}
