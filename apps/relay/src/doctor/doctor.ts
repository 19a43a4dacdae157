/** `diptych doctor`: looks at database and brokers, check by check. Nothing is changed (docs/doctor.md). */
import type { Checkpoint } from '@diptych/kafka/checkpoint';
import { operate } from '@diptych/kafka/operator-client';
import { OperatingError } from '@diptych/runtime/failure';
import { type Catalogue, openCatalogue } from '@diptych/wal/catalogue';
import { identifySystem, type SourceSystem } from '@diptych/wal/server';
import { inspectSlot } from '@diptych/wal/slot';
import { Destination } from '../destination.ts';
import { outlook } from '../outlook.ts';
import { wantedPublications } from '../publications.ts';
import { activitySubject } from './activity.ts';
import { act, type Finding } from './finding.ts';
import { kafkaSubject } from './kafka-checks.ts';
import { publicationSubject } from './publications.ts';
import { roleSubject } from './role.ts';
import { serverSubject } from './server-checks.ts';
import { examineSubject, type Wish } from './subject.ts';
import { tableSubject } from './table-checks.ts';
import { type TopicNeed, topicNeeds } from './topic-needs.ts';

export interface Examination {
  /** Nothing is wrong; something may be at risk. */
  readonly ok: boolean;
  /** Which of the two answered. */
  readonly reached: { readonly database: boolean; readonly kafka: boolean };
  readonly counts: Readonly<Record<Finding['tag'], number>>;
  readonly findings: readonly Finding[];
}

const kafkaRequestTimeoutMs = 10_000;
const kafkaLimitMs = 30_000;

/** Never throws for what the world does: what cannot be reached is a finding. */
export async function examine(wish: Wish): Promise<Examination> {
  const database = await examineDatabase(wish);
  const kafka = await examineKafka(wish, database);
  const relay = database.isReached && kafka.isReached ? await examineStart(wish) : [];
  return summed({
    reached: { database: database.isReached, kafka: kafka.isReached },
    findings: [...database.findings, ...kafka.findings, ...relay],
  });
}

/** What these checks say; all, when none is named. */
export const only = ({ reached, findings }: Examination, checks?: readonly string[]): Examination =>
  summed({ reached, findings: findings.filter(({ check }) => checks?.includes(check) ?? true) });

function summed({ reached, findings }: Pick<Examination, 'reached' | 'findings'>): Examination {
  const count = (tag: Finding['tag']) => findings.filter((finding) => finding.tag === tag).length;
  return {
    ok: count('wrong') === 0 && reached.database && reached.kafka,
    reached,
    counts: { ok: count('ok'), warning: count('warning'), wrong: count('wrong'), unseen: count('unseen') },
    findings,
  };
}

interface DatabaseExamination {
  readonly isReached: boolean;
  readonly findings: readonly Finding[];
  readonly needs: readonly TopicNeed[];
  /** Null when the role may not ask for it. */
  readonly source: SourceSystem | null;
}

async function examineDatabase(wish: Wish): Promise<DatabaseExamination> {
  const { configuration } = wish;
  const ownTopics = () => topicNeeds(configuration, { change: noTables });
  let catalogue: Catalogue;
  try {
    catalogue = await openCatalogue(configuration.database.url);
  } catch (error) {
    const findings = [unreached('database', error)];
    return { isReached: false, findings, needs: ownTopics(), source: null };
  }
  try {
    const asked = { source: catalogue, wish };
    const findings = [
      ...(await examineSubject(serverSubject, asked)),
      ...(await examineSubject(roleSubject, asked)),
      ...(await examineSubject(publicationSubject, asked)),
      ...(await examineSubject(tableSubject, asked)),
      ...(await examineSubject(activitySubject, asked)),
    ];
    const needs = await unlessRefused(async () =>
      topicNeeds(configuration, await wantedPublications(catalogue, configuration)),
    );
    const source = await unlessRefused(() => identifySystem(catalogue.databaseUrl));
    return { isReached: true, findings, needs: needs ?? ownTopics(), source };
  } finally {
    await catalogue.close();
  }
}

const noTables = { name: '', tables: [], viaRoot: false, operations: [] };

async function examineKafka(
  wish: Wish,
  { needs, source }: Pick<DatabaseExamination, 'needs' | 'source'>,
): Promise<{ isReached: boolean; findings: readonly Finding[] }> {
  const { brokers } = wish.configuration.kafka;
  const options = { brokers, clientId: 'diptych-doctor', requestTimeoutMs: kafkaRequestTimeoutMs };
  try {
    const findings = await operate(
      { ...options, limitMs: kafkaLimitMs, what: 'looking at topics' },
      (client) => examineSubject(kafkaSubject, { source: { client, needs, source }, wish }),
    );
    return { isReached: true, findings };
  } catch (error) {
    return { isReached: false, findings: [unreached('brokers', error)] };
  }
}

/** What a relay that starts now would refuse, where one has run and none does. */
async function examineStart({ configuration }: Wish): Promise<Finding[]> {
  const said = { check: 'start', object: null };
  try {
    const catalogue = await openCatalogue(configuration.database.url);
    try {
      const slot = await inspectSlot(catalogue, configuration.slot);
      if (slot?.active) return [{ ...said, tag: 'ok', message: 'a relay holds the slot' }];
      const checkpoint = await readCheckpoint(configuration);
      if (!slot && !checkpoint) return [{ ...said, tag: 'ok', message: 'no relay has run yet' }];
      const refused = await outlook(catalogue, { configuration, slot, checkpoint });
      if (!refused) return [{ ...said, tag: 'ok', message: 'a relay that starts now goes on' }];
      const { code, message, remedy } = refused;
      return [
        {
          ...{ ...said, tag: 'wrong', message: `a relay that starts now refuses: ${message} (${code})` },
          remedies: [act(remedy)],
        },
      ];
    } finally {
      await catalogue.close();
    }
  } catch (error) {
    return [unreached('start', error)];
  }
}

/** Null also while its topic is not there, which another check says. */
async function readCheckpoint(configuration: Wish['configuration']): Promise<Checkpoint | null> {
  try {
    return await new Destination(configuration).readCheckpoint();
  } catch (error) {
    if (error instanceof OperatingError && error.code === 'kafka-refused') return null;
    throw error;
  }
}

function unreached(check: string, error: unknown): Finding {
  if (!(error instanceof OperatingError)) throw error;
  const { code, message, remedy } = error;
  return { tag: 'unseen', check, object: null, message: `${message} (${code})`, remedies: [act(remedy)] };
}

async function unlessRefused<T>(ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof OperatingError) return null;
    throw error;
  }
}
