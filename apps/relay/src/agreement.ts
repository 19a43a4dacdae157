import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { Publication } from '@diptych/wal/publication';
import { currentWalEnd } from '@diptych/wal/slot';
import type { Configuration } from './configuration.ts';
import { accept, gapOf, isGapCode } from './gap.ts';
import type { AcceptedGap } from './parking/parked-record.ts';
import { PublicationUpkeep } from './publications.ts';
import { refuseChangedOptions } from './refusal.ts';
import type { SessionContext } from './session-context.ts';
import { agreementOn, comparePublications, isGap, optionsHash, requirePublications } from './source.ts';

/**
 * What a session finds must be what the last checkpoint was written for. Throws OperatingError:
 * `options-changed`, and `publication-lost` or `publication-changed` unless the operator
 * accepted the gap: that is answered then, and has to be written down before anything else is published.
 */
export async function refuseBrokenAgreement(
  {
    catalogue,
    configuration,
    acceptGap,
    log,
  }: { catalogue: Catalogue; configuration: Configuration; acceptGap: boolean; log: Logger },
  { checkpoint, found }: { checkpoint: Checkpoint; found: readonly Publication[] },
): Promise<AcceptedGap | null> {
  refuseChangedOptions(checkpoint, optionsHash(found));
  try {
    await comparePublications(catalogue, { configuration, agreed: checkpoint.publications, found });
    return null;
  } catch (error) {
    if (!acceptGap || !isGap(error)) throw error;
    const { code, message } = error;
    const known = { checkpoint, slot: null, walEnd: await currentWalEnd(catalogue) };
    const gap = isGapCode(code) ? gapOf(code, known) : null;
    if (gap === null) throw error;
    const accepted = accept(gap, { reason: code, detail: message });
    log.warn({ code, gap: accepted }, 'going on over a gap, as asked');
    return accepted;
  }
}

/**
 * The publications in step with the configuration, as far as that is the relay's matter; what is there from now on. Throws
 * OperatingError: what somebody else changed at the same moment is told from what was done here.
 */
export async function keepInStep(
  context: Pick<SessionContext, 'catalogue' | 'configuration' | 'board' | 'log'>,
  { upkeep = new PublicationUpkeep(context), found, ...moment }: Kept,
): Promise<readonly Publication[]> {
  const { catalogue, configuration } = context;
  if (!(await upkeep.run(found, moment))) return found;
  const now = await requirePublications(catalogue, configuration);
  await comparePublications(catalogue, { configuration, agreed: agreementOn(found), found: now });
  return now;
}

interface Kept {
  readonly upkeep?: PublicationUpkeep;
  readonly found: readonly Publication[];
  readonly isStart: boolean;
  readonly isDivided: boolean;
}
