import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { dropPublication } from '@diptych/wal/publication';
import { identifySystem } from '@diptych/wal/server';
import { dropSlot, inspectSlot } from '@diptych/wal/slot';
import type { Configuration } from '../configuration.ts';
import { Destination } from '../destination.ts';
import { isOwn } from '../refusal.ts';
import { confirm } from './confirm.ts';

/**
 * Drops the slot and its checkpoint, after asking. Answers false when the user declines or nobody can be asked.
 * A later `diptych init` begins anew: what happens in between is in no topic.
 */
export async function dropSlotCommand({
  configuration,
  yes,
  publications,
}: {
  configuration: Configuration;
  yes: boolean;
  publications: boolean;
}): Promise<boolean> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    const slot = await inspectSlot(catalogue, configuration.slot);
    const what = slot
      ? `slot ${slot.name}, which holds ${slot.lagBytes} bytes of unpublished WAL`
      : `the checkpoint of slot ${configuration.slot} (there is no such slot)`;
    if (!yes && !(await confirm(`Drop ${what}?`))) return false;
    if (slot) await dropSlot(catalogue, slot.name);
    await dropCheckpoint(configuration, catalogue);
    process.stdout.write(`dropped ${what}\n`);
    if (publications) await dropPublications(catalogue, configuration);
    return true;
  } finally {
    await catalogue.close();
  }
}

async function dropPublications(catalogue: Catalogue, { outbox, change }: Configuration): Promise<void> {
  for (const name of [outbox.publication, change.publication]) {
    await dropPublication(catalogue, name);
    process.stdout.write(`dropped publication ${name}\n`);
  }
}

async function dropCheckpoint(configuration: Configuration, { databaseUrl }: Catalogue): Promise<void> {
  const destination = new Destination(configuration);
  const source = await identifySystem(databaseUrl);
  const checkpoint = await destination.readCheckpoint();
  if (checkpoint === null) return;
  if (!isOwn(checkpoint, source)) {
    process.stdout.write('left the checkpoint, which is that of another database\n');
    return;
  }
  const publisher = destination.createPublisher(source);
  try {
    await publisher.fence();
    await publisher.publish([destination.checkpointTombstone()]);
  } finally {
    await publisher.close();
  }
}
