/** Plants faults one after the other, and does what the doctor says. */
import { fileURLToPath } from 'node:url';
import { ensureTopics, topicSpecs } from '@diptych/kafka/topics';
import type { Finding, Remedy } from '@diptych/relay-app/doctor/finding';
import { unreachable } from '@diptych/runtime/assert';
import { runCommand } from '@diptych/testkit/command';
import { startKafkaCluster } from '@diptych/testkit/kafka-cluster';
import type { RelaySettings } from '@diptych/testkit/relay-process';
import type { ProofContext } from '../arguments.ts';
import { runKafkaTool } from '../kafka-tool.ts';
import type { Fault, World } from './fault.ts';
import { type Figures, noFigures } from './figures.ts';
import { type Ground, look, prepareGround, worldOf } from './ground.ts';
import { accessFaults, topicFaults } from './kafka-faults.ts';
import { publicationFaults } from './publication-faults.ts';
import { serverFaults, startFaults } from './server-faults.ts';
import { tableFaults } from './table-faults.ts';

const relayMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));
const commandTimeoutMs = 300_000;

const allFaults = [...serverFaults, ...tableFaults, ...publicationFaults, ...topicFaults];

/** `only`: faults whose name has one of these words, with commas between. */
export async function proveDoctor({
  only,
  ...context
}: ProofContext & { readonly only: string | null }): Promise<Figures> {
  const words = only?.split(',') ?? [''];
  const chosen = (faults: readonly Fault[]) =>
    faults.filter(({ name }) => words.some((part) => name.includes(part)));
  const figures = noFigures();
  const ground = await prepareGround(context);
  const { say } = context;
  try {
    for (const fault of chosen(startFaults)) await plant(fault, { ground, figures, say });
    if (only !== null) await diptych('diptych init', ground.settings, context.signal);
    for (const fault of chosen(allFaults)) await plant(fault, { ground, figures, say });
    const mended = chosen(allFaults.filter(({ name }) => together.includes(name)));
    if (mended.length > 0) await fixAll(mended, { ground, figures, say });
    const access = chosen(accessFaults);
    if (access.length > 0) await withAuthorizer(ground, access, { figures, say });
    return figures;
  } finally {
    await ground.stack.stop();
  }
}

interface Round {
  readonly ground: Pick<Ground, 'stack' | 'databaseUrl' | 'settings' | 'signal'>;
  readonly figures: Figures;
  readonly say: ProofContext['say'];
}

/** Looks, plants, looks, does what was said, looks. */
async function plant(fault: Fault, { ground, figures, say }: Round): Promise<void> {
  const { world, end } = worldOf({ ...ground, brokers: brokersOf(ground.settings) });
  figures.planted += 1;
  try {
    const before = await look(ground.settings);
    const isOwn = isOf(fault, world);
    // What a setting is wrong about is wrong as soon as it is set.
    if (before.findings.some(isOwn) && !isInitial(fault)) figures.invented.push(fault.name);
    await fault.plant(world);
    let settings = { ...ground.settings, ...fault.settings };
    const found = (await look(settings)).findings;
    const own = found.filter(isOwn);
    if (own.length === 0) {
      figures.missed.push(fault.name);
      return;
    }
    try {
      for (const finding of own) settings = await follow(finding, { world, settings, signal: ground.signal });
    } catch (error) {
      ground.signal.throwIfAborted();
      // A statement that the server does not take is none.
      figures.uncleared.push(`${fault.name}: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const after = (await look(settings)).findings;
    const left = after.filter(isOwn);
    const added = after.filter(
      (one) => one.tag === 'wrong' && !found.some((other) => sameObject(one, other)),
    );
    figures.worsened.push(...added.map((one) => `${fault.name}: ${one.message}`));
    if (left.length > 0)
      figures.uncleared.push(`${fault.name}: ${left.map(({ message }) => message).join('; ')}`);
    else figures.cleared += 1;
    say(`${left.length === 0 ? 'cleared' : 'LEFT'}: ${fault.name}`);
  } finally {
    await end();
    await fault.undo?.(world);
  }
}

/** Of a ground where nothing is prepared yet the doctor complains from the beginning. */
const isInitial = ({ check, settings }: Fault): boolean => check === 'slot' && settings === undefined;

const isOf =
  ({ check, object }: Fault, world: World) =>
  (finding: Finding): boolean =>
    finding.tag !== 'ok' &&
    finding.check === check &&
    (object === undefined || finding.object === (typeof object === 'string' ? object : object(world)));

const sameObject = (one: Finding, other: Finding): boolean =>
  one.check === other.check && one.object === other.object && other.tag !== 'ok';

const brokersOf = ({ DIPTYCH_KAFKA_BROKERS = '' }: RelaySettings): string[] =>
  DIPTYCH_KAFKA_BROKERS.split(',');

/** Does what a finding says, as an operator would. Answers the settings that the relay has then. */
async function follow(
  finding: Finding,
  { world, settings, signal }: { world: World; settings: RelaySettings; signal: AbortSignal },
): Promise<RelaySettings> {
  if (finding.tag === 'ok') return settings;
  let changed = settings;
  for (const remedy of finding.remedies) {
    const assigned = await perform(remedy, { world, settings: changed, signal });
    changed = { ...changed, ...assigned };
  }
  return changed;
}

async function perform(
  remedy: Remedy,
  { world, settings, signal }: { world: World; settings: RelaySettings; signal: AbortSignal },
): Promise<RelaySettings> {
  const { statement } = remedy;
  switch (remedy.tag) {
    case 'sql':
      await world.sql(statement);
      return {};
    case 'kafka':
      await runKafkaTool(statement, signal);
      return {};
    case 'setting': {
      const [name = '', ...value] = statement.split('=');
      return { [name]: value.join('=') };
    }
    case 'diptych':
      await diptych(statement, settings, signal);
      return {};
    case 'act':
      // The others are words to a person.
      if (!statement.startsWith('Restart the server')) return {};
      await world.postgres.stop();
      await world.postgres.start();
      return {};
    default:
      return unreachable(remedy);
  }
}

/** A command of ours as a process; `diptych` is its first word. Answers what it printed. */
async function diptych(statement: string, settings: RelaySettings, signal: AbortSignal): Promise<string> {
  const args = [relayMain, ...statement.split(' ').slice(1)];
  const env = { ...process.env, ...settings };
  const { code, output } = await runCommand({
    ...{ command: process.execPath, args, env, signal, timeoutMs: commandTimeoutMs },
  });
  if (code !== 0 && code !== 1) throw new Error(`${statement} ended with ${code}\n${output}`);
  return output;
}

/** Faults of every kind of statement, none in the way of another. */
const together = [
  'WAL is kept without a limit',
  'a table that was told to send nothing of the row before',
  'an unlogged table',
  'a table that was taken out',
  'retention.ms is 3600000 (parked)',
  'a topic with few partitions',
];

/** All at once, mended by `--fix --yes`: an operator's account, and nobody is asked. */
async function fixAll(faults: readonly Fault[], { ground, figures, say }: Round): Promise<void> {
  const { world, end } = worldOf({ ...ground, brokers: brokersOf(ground.settings) });
  try {
    for (const fault of faults) await fault.plant(world);
    const asOperator = { ...ground.settings, DIPTYCH_DATABASE_URL: ground.databaseUrl } as const;
    say(await diptych('diptych doctor --fix --yes', asOperator, ground.signal));
    const after = (await look(ground.settings)).findings;
    for (const fault of faults)
      if (after.some(isOf(fault, world))) figures.uncleared.push(`--fix: ${fault.name}`);
      else figures.fixed += 1;
  } finally {
    await end();
    for (const fault of faults) await fault.undo?.(world);
  }
}

/** Brokers that ask who may do what. Without authentication everybody is one principal, and no ACL means everybody. */
async function withAuthorizer(
  ground: Ground,
  faults: readonly Fault[],
  round: Pick<Round, 'figures' | 'say'>,
): Promise<void> {
  const cluster = await startKafkaCluster({
    brokers: 1,
    nodeSettings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'true',
    },
  });
  try {
    const { brokers } = cluster;
    const settings = { ...ground.settings, DIPTYCH_KAFKA_BROKERS: brokers.join(',') } as const;
    const { DIPTYCH_SLOT: slot = '', DIPTYCH_PREFIX: prefix = '' } = ground.settings;
    const eventTopics = ['carts', 'items'].map((table) => `${prefix}.public.${table}`);
    await ensureTopics({ brokers, specs: topicSpecs({ prefix, slot, eventTopics }) });
    for (const fault of faults) await plant(fault, { ground: { ...ground, settings }, ...round });
  } finally {
    await cluster.stop();
  }
}
