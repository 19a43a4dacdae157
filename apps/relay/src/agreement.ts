import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { Publication } from '@diptych/wal/publication';
import { currentWalEnd } from '@diptych/wal/slot';
import { accept, gapOf, isGapCode } from './gap.ts';
import type { AcceptedGap } from './parking/parked-record.ts';
import { refuseChangedOptions } from './refusal.ts';
import { comparePublications, isGap, optionsHash } from './source.ts';

/**
 * What a session finds must be what the last checkpoint was written for. Throws OperatingError:
 * `options-changed`, and `publication-lost` or `publication-changed` unless the operator
 * accepted the gap: that is answered then, and has to be written down before anything else is published.
 */
export async function refuseBrokenAgreement(
  { catalogue, acceptGap, log }: { catalogue: Catalogue; acceptGap: boolean; log: Logger },
  { checkpoint, found }: { checkpoint: Checkpoint; found: readonly Publication[] },
): Promise<AcceptedGap | null> {
  refuseChangedOptions(checkpoint, optionsHash(found));
  try {
    await comparePublications(catalogue, { agreed: checkpoint.publications, found });
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
