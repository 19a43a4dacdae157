/** What an operator asks of an inbox, for the command line of the service that has it: `<service> inbox …`. */
import { parseArgs } from 'node:util';
import { OperatingError } from '@diptych/runtime/failure';
import type { ClientBase } from 'pg';
import { discard, listParked, type ParkedEvent, release } from './parked-events.ts';
import { forgetPositions } from './positions.ts';

const usage = `usage: inbox parked [--json]
       inbox release <id>                     handle it again, and what waits behind it
       inbox discard <id> --reason <text>     give it up, and handle what waits behind it
       inbox forget <topic>                   begin anew in the topic, as a group that was never there
`;

const listedMax = 1_000;

/**
 * Runs `parked`, `release`, `discard` or `forget`. Throws OperatingError `configuration-invalid` for what is no such command,
 * `parked-record-refused` for what cannot be done.
 */
export async function runInboxCommand(
  args: readonly string[],
  {
    database,
    group,
    out,
  }: { database: Pick<ClientBase, 'query'>; group: string; out: NodeJS.WritableStream },
): Promise<void> {
  const { positionals, values } = parse(args);
  const [command, subject] = positionals;
  if (command === 'parked' && positionals.length === 1) {
    const parked = await listParked(database, { group, limit: listedMax });
    out.write(values.json ? `${JSON.stringify(parked.map(toJson))}\n` : parked.map(lineOf).join(''));
  } else if (command === 'release' && subject !== undefined) {
    await release(database, { group, id: idOf(subject) });
    out.write(`${subject} is released: the member that has its partition handles it\n`);
  } else if (command === 'discard' && subject !== undefined && values.reason) {
    await discard(database, { group, id: idOf(subject), reason: values.reason });
    out.write(`${subject} is discarded\n`);
  } else if (command === 'forget' && subject !== undefined) {
    const partitions = await forgetPositions(database, { group, topic: subject });
    out.write(`${group} begins anew in ${subject} (${partitions} partitions)\n`);
  } else throw badUse();
}

function parse(args: readonly string[]) {
  try {
    const options = { json: { type: 'boolean' }, reason: { type: 'string' } } as const;
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (cause) {
    throw badUse(cause);
  }
}

function idOf(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw badUse();
  return BigInt(text);
}

const badUse = (cause?: unknown): OperatingError =>
  new OperatingError('configuration-invalid', usage.trimEnd(), {
    remedy: 'Give one of these commands.',
    ...(cause === undefined ? {} : { cause }),
  });

/** Of its value nothing is shown. */
function toJson({ id, topic, partition, record, reason, detail, attempts, parkedAt, decision }: ParkedEvent) {
  const { offset, key, headers } = record;
  return {
    ...{ id: id.toString(), topic, partition, offset: offset.toString(), key: key?.toString() ?? null },
    ...{ event: headers.get('id') ?? null, type: headers.get('eventType') ?? null },
    ...{ reason, detail, attempts, parkedAt, decision },
  };
}

function lineOf(parked: ParkedEvent): string {
  const { id, topic, partition, offset, key, type, reason, detail, decision } = toJson(parked);
  const decided = decision === null ? '' : `, ${decision}`;
  const why = detail === null ? '' : `: ${detail}`;
  return `${id}  ${topic}/${partition}/${offset}  key ${key ?? '–'}  ${type ?? '?'}  ${reason}${decided}${why}\n`;
}
