import { type CopiedPanels, copyPanels } from '@diptych/compare/aligned-replay';
import { type CutTarget, cutForms, parseCutTarget } from '@diptych/compare/cut';
import { type GroupAtCut, startGroupAtCut } from '@diptych/compare/group-at-cut';
import { stringifyLossless } from '@diptych/runtime/json';
import type { Command } from 'commander';
import type { Configuration } from '../configuration.ts';
import { loadContracts, type Replayed, replay } from './replay.ts';

interface Options {
  readonly into?: string;
  readonly group?: string;
  readonly reset?: boolean;
  readonly upcast?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** What is asked for: the options of one of them, and none of the others. */
type Asked =
  | { readonly tag: 'both-panels'; readonly into: string; readonly to: CutTarget }
  | { readonly tag: 'group'; readonly group: string; readonly reset: boolean; readonly to: CutTarget }
  | { readonly tag: 'upcast'; readonly upcast: string; readonly from: string; readonly to: string };

/** Adds `diptych replay`. */
export function addReplayCommand(program: Command, configuration: () => Configuration): void {
  const command = program
    .command('replay')
    .description(
      'copy both panels up to one commit into new topics (--into, --to), let a new consumer group begin behind it (--group, --to), or ' +
        'copy the history of a domain topic, each event in its newest version (--upcast, --from, --to)',
    )
    .option('--into <prefix>', 'both panels: what the names of the copies begin with; none of them may exist')
    .option('--group <id>', 'both panels: a consumer group without positions, which goes on behind --to')
    .option('--reset', 'with --group: one that has positions, and no members, too')
    .option('--upcast <module#export>', 'one topic: the contracts, as cart-events.ts#cartContract')
    .option('--from <topic>', 'one topic: where the history is')
    .option(
      '--to <commit, time or topic>',
      `both panels: ${cutForms}. One topic: where it is written to; made when it is not there, gone on with when it is`,
    )
    .option('--json', 'one line of JSON');
  command.action(async (options: Options) => {
    const asked = askedFor(options);
    if (asked === null)
      return command.error(
        `replay takes --into and --to (${cutForms}), --group and --to, or --upcast, --from and --to (a topic)`,
      );
    const say = (found: object, line: string): void =>
      void process.stdout.write(`${options.json ? stringifyLossless(found) : line}\n`);
    const { kafka, prefix, outbox } = configuration();
    const { brokers } = kafka;
    const panels = { brokers, prefix, domainPrefix: outbox.topicPrefix };
    if (asked.tag === 'group') {
      const { group, reset, to } = asked;
      const begun = await startGroupAtCut({ ...panels, group, reset, to });
      return say(begun, describeGroup(begun));
    }
    if (asked.tag === 'both-panels') {
      const copied = await copyPanels({
        ...{ ...panels, into: asked.into, to: asked.to },
        onProgress: (records) => process.stderr.write(`${records} records are copied …\n`),
      });
      return say(copied, describeCopy(copied));
    }
    const { from, to } = asked;
    const contracts = await loadContracts(asked.upcast);
    const onProgress = (replayed: Replayed) => process.stderr.write(`${describe(replayed)} …\n`);
    const replayed = await replay({ brokers, from, to, contracts, onProgress });
    return say({ from, to, ...replayed }, describe(replayed));
  });
}

function askedFor({ into, group, reset, upcast, from, to }: Options): Asked | null {
  if (to === undefined || (reset !== undefined && group === undefined)) return null;
  const given = [into, group, upcast].filter((one) => one !== undefined);
  if (given.length !== 1 || given.includes('')) return null;
  if (upcast !== undefined) return from === undefined ? null : { tag: 'upcast', upcast, from, to };
  const target = parseCutTarget(to);
  if (!target || from !== undefined) return null;
  if (into !== undefined) return { tag: 'both-panels', into, to: target };
  return group === undefined ? null : { tag: 'group', group, reset: reset ?? false, to: target };
}

const describe = ({ events, upcast }: Replayed): string =>
  `${events} events are written, ${upcast} of them upcast`;

function describeCopy({ last, transactions, records, topics, prefix, domainPrefix }: CopiedPanels): string {
  return [
    `${transactions} transactions, ${records} records, up to xid ${last.xid} at ${last.commitLsn} (${last.commitTime})`,
    ...Object.entries(topics).map(([topic, copy]) => `  ${topic} → ${copy}`),
    `read them with DIPTYCH_PREFIX=${prefix} DIPTYCH_OUTBOX_TOPIC_PREFIX=${domainPrefix}`,
  ].join('\n');
}

function describeGroup({ group, last, transactions, positions }: GroupAtCut): string {
  return [
    `the group ${group} goes on behind xid ${last.xid} at ${last.commitLsn} (${last.commitTime}), ${transactions} transactions from the beginning`,
    ...Object.entries(positions).map(([topic, offsets]) => `  ${topic}: ${offsets.join(' ')}`),
  ].join('\n');
}
