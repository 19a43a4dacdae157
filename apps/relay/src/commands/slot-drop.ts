import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { dropPublication } from '@diptych/wal/publication';
import { identifySystem } from '@diptych/wal/server';
import { dropSlot, inspectSlot } from '@diptych/wal/slot';
import type { Configuration } from '../configuration.ts';
import { Destination } from '../destination.ts';
import { isOwn } from '../refusal.ts';
import { confirm } from './confirm.ts';

/**
 * Drops the slot and its checkpoint, after asking. Answers false when the user declines or nobody can be asked. Throws
 * `slot-held` while a relay has it.
 * A later `diptych init` begins anew: what happens in between is in no topic.
 */
export async function dropSlotCommand({
  configuration,
  yes,
  publications,
  json = false,
}: {
  configuration: Configuration;
  yes: boolean;
  publications: boolean;
  /** What was dropped as one line of JSON. */
  json?: boolean;
}): Promise<boolean> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const slot = await inspectSlot(catalogue, configuration.slot);
    const what = slot
      ? `slot ${slot.name}, which holds ${slot.lagBytes} bytes of unpublished WAL`
      : `the checkpoint of slot ${configuration.slot} (there is no such slot)`;
    if (slot?.active)
      throw new OperatingError(
        'slot-held',
        `slot ${slot.name} is held by process ${slot.activePid} of the server`,
        {
          remedy: 'Stop the relay first, and those that stand by: they would take it.',
        },
      );
    if (!yes && !(await confirm(`Drop ${what}?`))) return false;
    if (slot) await dropSlot(catalogue, slot.name);
    const checkpoint = await dropCheckpoint(configuration, catalogue);
    const names = publications ? await dropPublications(catalogue, configuration) : [];
    if (json)
      process.stdout.write(
        `${JSON.stringify({ slot: slot?.name ?? null, checkpoint, publications: names })}\n`,
      );
    else {
      process.stdout.write(`dropped ${what}\n`);
      if (checkpoint === 'foreign')
        process.stdout.write('left the checkpoint, which is that of another database\n');
      for (const name of names) process.stdout.write(`dropped publication ${name}\n`);
    }
    return true;
  } finally {
    await catalogue.close();
  }
}

async function dropPublications(catalogue: Catalogue, { outbox, change }: Configuration): Promise<string[]> {
  const names = [outbox.publication, change.publication];
  for (const name of names) await dropPublication(catalogue, name);
  return names;
}

async function dropCheckpoint(
  configuration: Configuration,
  { databaseUrl }: Catalogue,
): Promise<'dropped' | 'none' | 'foreign'> {
  const destination = new Destination(configuration);
  const source = await identifySystem(databaseUrl);
  const checkpoint = await destination.readCheckpoint();
  if (checkpoint === null) return 'none';
  if (!isOwn(checkpoint, source)) return 'foreign';
  const publisher = destination.createPublisher(source);
  try {
    await publisher.fence();
    await publisher.publish([destination.checkpointTombstone()]);
    return 'dropped';
  } finally {
    await publisher.close();
  }
}
