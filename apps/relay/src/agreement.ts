import type { Checkpoint } from '@diptych/kafka/checkpoint';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import type { Publication } from '@diptych/wal/publication';
import type { SourceSystem } from '@diptych/wal/server';
import { refuseChangedOptions, refusePhantoms } from './refusal.ts';
import { comparePublications, isGap, optionsHash } from './source.ts';

/**
 * What a session finds must be what the last checkpoint was written for. Throws OperatingError:
 * `kafka-ahead-of-database`, `options-changed`, and `publication-lost` or `publication-changed` unless the operator
 * accepted the gap.
 */
export async function refuseBrokenAgreement(
  {
    catalogue,
    acceptGap,
    log,
    source,
  }: { catalogue: Catalogue; acceptGap: boolean; log: Logger; source: SourceSystem },
  { checkpoint, found }: { checkpoint: Checkpoint; found: readonly Publication[] },
): Promise<void> {
  refusePhantoms(checkpoint, source);
  refuseChangedOptions(checkpoint, optionsHash(found));
  try {
    await comparePublications(catalogue, { agreed: checkpoint.publications, found });
  } catch (error) {
    if (!acceptGap || !isGap(error)) throw error;
    log.warn({ code: error.code, gap: error.message }, 'going on over a gap, as asked');
  }
}
