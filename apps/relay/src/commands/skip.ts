import { OperatingError } from '@diptych/runtime/failure';
import { createLogger } from '@diptych/runtime/log';
import { poll } from '@diptych/runtime/poll';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { formatLsn, type Lsn, parseLsn } from '@diptych/wal/lsn';
import { advanceSlot } from '@diptych/wal/slot';
import { type Command, InvalidArgumentError } from 'commander';
import type { Configuration } from '../configuration.ts';
import { behind, skipTransaction } from '../skip.ts';
import { confirm } from './confirm.ts';

/** Advancing decodes what lies before, without its values. */
const advanceTimeoutMs = 3_600_000;

/** The server needs a moment to see that a session has ended. */
const freeTimeoutMs = 15_000;

/** Adds `diptych skip`; `declined` is told when the user does not want to. */
export function addSkipCommand(
  program: Command,
  { configuration, declined }: { configuration: () => Configuration; declined: () => void },
): void {
  program
    .command('skip')
    .description(
      'leave out one transaction that can never be published; it is written down in the parked topic',
    )
    .requiredOption('--lsn <lsn>', 'its commit LSN, as the relay’s error names it', commitLsnOf)
    .option('--yes', 'do not ask')
    .option('--json', 'one line of JSON')
    .action(async ({ lsn, yes = false, json = false }: { lsn: Lsn; yes?: boolean; json?: boolean }) => {
      const skipped = await skipCommand({ configuration: configuration(), commitLsn: lsn, yes, json });
      if (!skipped) declined();
    });
}

function commitLsnOf(text: string): Lsn {
  if (!/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/.test(text))
    throw new InvalidArgumentError('It takes an LSN, such as 16/B374D848.');
  return parseLsn(text);
}

/**
 * Leaves the transaction out, after asking. Answers false when the user declines or nobody can be asked. Throws what
 * `skipTransaction` throws.
 */
export async function skipCommand({
  configuration,
  commitLsn,
  yes,
  json = false,
}: {
  configuration: Configuration;
  commitLsn: Lsn;
  yes: boolean;
  /** What was done as one line of JSON. */
  json?: boolean;
}): Promise<boolean> {
  const at = formatLsn(commitLsn);
  const question = `Leave out the whole transaction that commits at ${at}? Its changes will be in no topic.`;
  if (!yes && !(await confirm(question))) return false;
  const log = createLogger('skip', { level: 'warn' });
  const catalogue = await openCatalogue(configuration.database.url, { queryTimeoutMs: advanceTimeoutMs });
  try {
    const gap = await skipTransaction({ configuration, catalogue, commitLsn, log });
    const skipped = gap
      ? `skipped ${gap.detail}, and wrote it down in the parked topic`
      : 'it was skipped and written down before';
    // Said at once: the server may take its time over the slot.
    if (!json) process.stdout.write(`${skipped}\n`);
    const isMoved = await advance(catalogue, { name: configuration.slot, to: behind(commitLsn) });
    const moved = isMoved
      ? `slot ${configuration.slot}: goes on behind ${at}`
      : 'a relay has taken the slot and moves it';
    process.stdout.write(json ? `${JSON.stringify({ commitLsn: at, gap, isMoved })}\n` : `${moved}\n`);
    return true;
  } finally {
    await catalogue.close();
  }
}

/** Answers false when somebody else holds the slot by now. */
async function advance(catalogue: Catalogue, slot: { name: string; to: Lsn }): Promise<boolean> {
  const isFree = async (): Promise<true | undefined> => {
    try {
      await advanceSlot(catalogue, slot);
      return true;
    } catch (error) {
      if (error instanceof OperatingError && error.code === 'slot-held') return undefined;
      throw error;
    }
  };
  return await poll(isFree, { what: 'the slot is free', timeoutMs: freeTimeoutMs }).catch(
    (error: unknown) => {
      if (error instanceof OperatingError) throw error;
      return false;
    },
  );
}
