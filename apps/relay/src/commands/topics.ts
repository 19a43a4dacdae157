import { operate } from '@diptych/kafka/operator-client';
import { openCatalogue } from '@diptych/wal/catalogue';
import type { Command } from 'commander';
import type { Configuration } from '../configuration.ts';
import { type KafkaFacts, readKafka, type TopicFacts } from '../doctor/kafka.ts';
import { topicChecks } from '../doctor/topic-checks.ts';
import { settingsOf, topicNeeds } from '../doctor/topic-needs.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { wantedPublications } from '../publications.ts';

/** A topic as it is, and how that differs from what the relay needs. */
export interface TopicRow {
  readonly topic: string;
  /** `own`: of the relay itself; `change` and `domain` events. */
  readonly kind: string;
  /** `hidden`: the relay may not describe it. */
  readonly state: 'there' | 'missing' | 'hidden';
  readonly partitions: number | null;
  readonly replicas: number | null;
  /** What the topic has, of the settings that the relay makes its topics with. */
  readonly settings: Readonly<Record<string, string>> | null;
  readonly differences: readonly string[];
}

const requestTimeoutMs = 10_000;
const limitMs = 30_000;

/** Adds `diptych topics`. */
export function addTopicsCommand(
  program: Command,
  { configuration, answer }: { configuration: () => Configuration; answer: (code: ExitCode) => void },
): void {
  program
    .command('topics')
    .description(
      'the topics that the relay needs and has, with settings and differences; exit code 1 when there are any',
    )
    .option('--json', 'one line of JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const rows = await readTopics(configuration());
      process.stdout.write(json ? `${JSON.stringify(rows)}\n` : describe(rows));
      if (rows.some(({ differences }) => differences.length > 0)) answer(exitCodes.differences);
    });
}

/** Throws OperatingError. */
export async function readTopics(configuration: Configuration): Promise<TopicRow[]> {
  const wish = { configuration, longTransactionSeconds: 0 };
  const wanted = await readWanted(configuration);
  const needs = topicNeeds(configuration, wanted);
  const { brokers } = configuration.kafka;
  const options = {
    brokers,
    clientId: 'diptych-topics',
    requestTimeoutMs,
    limitMs,
    what: 'looking at topics',
  };
  const facts = await operate(options, (client) => readKafka({ client, needs, source: null }, wish));
  return facts.topics.map((topic) => rowOf(topic, { facts, wish }));
}

async function readWanted(configuration: Configuration): ReturnType<typeof wantedPublications> {
  const catalogue = await openCatalogue(configuration.database.url);
  try {
    return await wantedPublications(catalogue, configuration);
  } finally {
    await catalogue.close();
  }
}

/** Each topic is looked at as if there were no other: the doctor's checks say what differs. */
function rowOf(
  topic: TopicFacts,
  { facts, wish }: { facts: KafkaFacts; wish: Parameters<(typeof topicChecks)[number]>[1] },
): TopicRow {
  const { need, state, settings } = topic;
  const own = { ...facts, topics: [topic] };
  const differences = topicChecks
    .flatMap((check) => check(own, wish))
    .flatMap((finding) => (finding.tag === 'ok' || state.tag !== 'there' ? [] : [finding.message]));
  const isThere = state.tag === 'there';
  return {
    ...{ topic: need.name, kind: need.kind, state: state.tag },
    partitions: isThere ? state.partitions : null,
    replicas: isThere ? state.replicas : null,
    settings:
      settings &&
      Object.fromEntries(Object.keys(settingsOf(need)).map((name) => [name, settings.get(name) ?? ''])),
    differences: isThere
      ? differences
      : [state.tag === 'missing' ? 'it is not there' : 'it may not be described'],
  };
}

function describe(rows: readonly TopicRow[]): string {
  const width = Math.max(...rows.map(({ topic }) => topic.length));
  const lines = rows.flatMap(({ topic, kind, state, partitions, replicas, settings, differences }) => {
    const kept = settings
      ? ` ${settings['cleanup.policy']}, retention ${settings['retention.ms'] ?? '–'}`
      : '';
    const what = state === 'there' ? `${partitions} × ${replicas}${kept}` : state;
    return [
      `${topic.padEnd(width)}  ${kind.padEnd(6)}  ${what}`,
      ...(state === 'there'
        ? differences.map((difference) => `${' '.repeat(width + 10)}≠ ${difference}`)
        : []),
    ];
  });
  return `${lines.join('\n')}\n`;
}
