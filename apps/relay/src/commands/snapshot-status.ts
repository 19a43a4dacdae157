/** `diptych snapshot status`: the checkpoint says which tables are left, the relay how fast it is. */
import type { SnapshotLog } from '@diptych/kafka/snapshot-log';
import { noSnapshots } from '@diptych/snapshot/log';
import type { Configuration } from '../configuration.ts';
import { Destination } from '../destination.ts';
import { tableText } from '../snapshot/words.ts';
import { describeReading, type Reading } from './snapshot-reading.ts';
import { askRelay } from './status.ts';

/** Prints what is being read. Throws OperatingError when the checkpoint cannot be read. */
export async function showSnapshots({
  configuration,
  json,
  out,
}: {
  configuration: Configuration;
  json: boolean;
  out: NodeJS.WritableStream;
}): Promise<void> {
  const checkpoint = await new Destination(configuration).readCheckpoint();
  const log = checkpoint?.snapshot ?? noSnapshots;
  const reading = (await askRelay(configuration.http))?.snapshot ?? readingOf(log);
  out.write(json ? `${JSON.stringify(reading)}\n` : describeReading(reading));
}

/** Without a relay: what the checkpoint says. */
function readingOf({ paused, tables }: SnapshotLog): NonNullable<Reading> {
  const unknown = { estimatedRows: null, percent: null, rowsPerSecond: 0, secondsLeft: null };
  return {
    paused,
    tables: tables.map((table) => ({
      ...{ snapshot: table.id, table: tableText(table), rows: table.rows },
      ...unknown,
    })),
  };
}
