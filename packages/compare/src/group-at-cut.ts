/** A new consumer group that begins behind a cut through both panels, so that it goes on where a replay ended. */
import { endsOf, groupStanding, setGroupPositions } from '@diptych/kafka/group-positions';
import { identityHeader, readIdentity } from '@diptych/kafka/identity';
import { type OffsetsByTopic, readToEnd } from '@diptych/kafka/partition-reader';
import { OperatingError } from '@diptych/runtime/failure';
import { type ReplayPanelsOptions, upToCut } from './aligned-replay.ts';
import { isBeforeCut } from './cut.ts';
import type { JoinedTransaction, TransactionIdentity } from './joined-transaction.ts';
import { panelTopics } from './panel-reader.ts';
import { referenceTo, type TransactionReference } from './transaction-reference.ts';

export interface GroupAtCutOptions extends ReplayPanelsOptions {
  /** Its id. */
  readonly group: string;
  /** Take one that has positions already; one that has members is refused all the same. */
  readonly reset?: boolean;
}

export interface GroupAtCut {
  readonly group: string;
  /** The last transaction that the group does not read. */
  readonly last: TransactionReference;
  readonly transactions: number;
  /** By topic, the first offset that the group reads in each partition. */
  readonly positions: Readonly<Record<string, readonly bigint[]>>;
}

const topicsNamedMax = 3;

/**
 * Hands over each transaction up to the cut, as `replayPanels` does, and then sets the positions of the group in all topics
 * of both panels to what comes behind it: between the function and the group nothing is left out, and of whole transactions
 * nothing comes twice. An event that was parked and is released later stands behind the cut, and comes to the group. Throws
 * OperatingError: those of `replayPanels`; `replay-refused` when the group has members, or positions and not `reset`: asked
 * before anything is handed over.
 */
export async function startGroupAtCut(
  options: GroupAtCutOptions,
  handle: (transaction: JoinedTransaction) => Promise<void> | void = () => undefined,
): Promise<GroupAtCut> {
  const { brokers, group, reset = false } = options;
  const { topics, members } = await groupStanding({ brokers, group });
  if (members > 0) throw live(group);
  if (topics.length > 0 && !reset) {
    const named = topics.slice(0, topicsNamedMax).join(', ');
    throw refused(
      `the group ${group} has positions already: ${named}${topics.length > topicsNamedMax ? ' …' : ''}`,
    );
  }
  const { last, transactions } = await upToCut(options, handle);
  const positions = await positionsBehind(last, options);
  // The coordinator looks again: whoever joined meanwhile is not moved.
  if ((await setGroupPositions({ brokers, group, positions })) === 'live') throw live(group);
  return { group, last: referenceTo(last), transactions, positions: Object.fromEntries(positions) };
}

/** Each partition's first record that belongs to a transaction behind the cut; where there is none, what comes next. */
async function positionsBehind(
  last: TransactionIdentity,
  { brokers, signal, ...names }: ReplayPanelsOptions,
): Promise<OffsetsByTopic> {
  const topics = [...(await panelTopics({ brokers, ...names })).keys()];
  const positions = new Map<string, bigint[]>();
  for (const [topic, offsets] of await endsOf({ brokers, topics })) positions.set(topic, [...offsets]);
  for await (const record of readToEnd({ brokers, topics, signal })) {
    const identity = readIdentity(record.headers.get(identityHeader) ?? '');
    const ofTopic = positions.get(record.topic);
    if (!identity || !ofTopic || isBeforeCut(identity, last)) continue;
    const known = ofTopic[record.partition] ?? record.offset;
    if (record.offset < known) ofTopic[record.partition] = record.offset;
  }
  return positions;
}

const live = (group: string): OperatingError => refused(`the group ${group} has members: it is at work`);

const refused = (why: string): OperatingError =>
  new OperatingError('replay-refused', why, {
    remedy: 'Name a group that nobody uses; one without members is set anew with --reset.',
  });
