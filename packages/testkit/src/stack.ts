import { present, unreachable } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { choose, type Environment, type Finding, type StackKind, wishOf } from './choose.ts';
import { type ContainerParts, findContainers, startContainers } from './containers.ts';
import { type EmbeddedParts, type EmbeddedStack, findEmbedded, startEmbedded } from './embedded.ts';
import { type ExternalServers, externalServers } from './external.ts';
import type { Say } from './progress.ts';
import type { Control } from './server.ts';

export interface StackOptions {
  /** Leave the data when the stack is stopped. Default: it is thrown away. */
  readonly keep?: boolean;
  /** Told which stack it is and why, and whatever takes more than two seconds. `sayTo(process.stderr)` fits. */
  readonly say?: Say;
  /** Aborts the start. A stack that has started is ended by `stop`. */
  readonly signal?: AbortSignal;
  /** Default: that of the process. */
  readonly env?: Environment;
}

/** A running Postgres and a running Kafka. Servers of your own (`external`) are not ours to kill: they have no control. */
export type Stack = {
  /** Why this kind, one clause: `no container engine answers`. */
  readonly why: string;
  /** A superuser's, of the maintenance database; tests make databases of their own (`createDatabase`). */
  readonly databaseUrl: string;
  /** Each `host:port`, plain text. */
  readonly brokers: readonly string[];
  /** Ends both servers and removes what they left. External servers stay as they are. */
  stop(): Promise<void>;
} & (
  | { readonly kind: 'external' }
  | { readonly kind: 'containers'; readonly postgres: Control; readonly kafka: Control }
  /** The only one that can have a standby. */
  | ({ readonly kind: 'embedded' } & Pick<EmbeddedStack, 'postgres' | 'kafka' | 'startStandby'>)
);

/** A candidate that was looked at: what was found, and how it is started if it was found available. */
type Candidate =
  | { readonly kind: 'external'; readonly finding: Finding; readonly parts: ExternalServers }
  | { readonly kind: 'containers'; readonly finding: Finding; readonly parts: ContainerParts | undefined }
  | { readonly kind: 'embedded'; readonly finding: Finding; readonly parts: EmbeddedParts | undefined };

/**
 * Real Postgres and real Kafka, in the stack that DIPTYCH_STACK names or the first that can be had. Prerequisites are
 * looked at before anything is started. Throws OperatingError: `configuration-invalid`, `prerequisite-missing`,
 * `download-failed`, `server-not-started`, and for external servers what is wrong with them.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { keep = false, say = () => undefined, signal, env = process.env } = options;
  const wish = wishOf(env);
  if (wish.tag === 'refused') {
    throw new OperatingError('configuration-invalid', wish.message, { remedy: wish.remedy });
  }
  const candidates: Candidate[] = [];
  for (const kind of wish.kinds) {
    const candidate = await lookAt({ kind, env, say });
    candidates.push(candidate);
    if (candidate.finding.tag === 'available') break;
  }
  signal?.throwIfAborted();
  const choice = choose(wish, candidates);
  if (choice.tag === 'refused') {
    throw new OperatingError('prerequisite-missing', choice.message, { remedy: choice.remedy });
  }
  say(`stack: ${choice.kind} (${choice.why})`);
  const chosen = present(candidates.at(-1), 'the candidate that was chosen');
  return start({ chosen, why: choice.why, keep, say, signal });
}

async function lookAt(options: { kind: StackKind; env: Environment; say: Say }): Promise<Candidate> {
  const { kind, env, say } = options;
  switch (kind) {
    case 'external': {
      const { DATABASE_URL = '', KAFKA_BROKERS = '' } = env;
      const parts = await externalServers({ DATABASE_URL, KAFKA_BROKERS });
      return { kind, finding: { tag: 'available', why: 'both servers answer' }, parts };
    }
    case 'containers':
      return { kind, ...(await findContainers(env, say)) };
    case 'embedded':
      return { kind, ...(await findEmbedded()) };
    default:
      return unreachable(kind);
  }
}

async function start(options: {
  readonly chosen: Candidate;
  readonly why: string;
  readonly keep: boolean;
  readonly say: Say;
  readonly signal: AbortSignal | undefined;
}): Promise<Stack> {
  const { chosen, why, ...rest } = options;
  switch (chosen.kind) {
    case 'external':
      return { kind: chosen.kind, why, ...chosen.parts, stop: async () => undefined };
    case 'containers': {
      const parts = present(chosen.parts, 'the engine that was found');
      return { kind: chosen.kind, why, ...(await startContainers({ parts, ...rest })) };
    }
    case 'embedded': {
      const parts = present(chosen.parts, 'the parts that were found');
      return { kind: chosen.kind, why, ...(await startEmbedded({ parts, ...rest })) };
    }
    default:
      return unreachable(chosen);
  }
}
