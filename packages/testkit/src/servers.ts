/** On which servers a test file runs: those of the whole run when there are such, else some that this process starts. */
import { OperatingError } from '@diptych/runtime/failure';
import { type StackKind, stackKinds } from './choose.ts';
import type { Say } from './progress.ts';
import type { Control } from './server.ts';
import { type Stack, startStack } from './stack.ts';

export interface Servers {
  readonly kind: StackKind;
  /** A superuser's, of the maintenance database. */
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  /** Null when others use these servers too, or they are not ours: then they are not ours to kill. */
  readonly controls: { readonly postgres: Control; readonly kafka: Control } | null;
  /** They are ended when nobody in this process uses them any more. */
  release(): Promise<void>;
}

/** How a run's servers are told to its processes, which inherit the environment. */
const variable = 'DIPTYCH_TESTKIT_SERVERS';

type Offer = Pick<Servers, 'kind' | 'databaseUrl' | 'brokers'>;

/** From now on processes that are started share these servers. */
export function offerServers({ kind, databaseUrl, brokers }: Offer): void {
  process.env[variable] = JSON.stringify({ kind, databaseUrl, brokers });
}

export function withdrawServers(): void {
  delete process.env[variable];
}

/** Of this process, for all who do not want their own. A module may be loaded more than once in it. */
const key = Symbol.for('diptych.testkit.servers');
const holder = globalThis as { [key]?: { readonly stack: Promise<Stack>; users: number } | undefined };

export interface ServersOptions {
  /** `shared`: those of the run, or of this process. `own`: nobody else's, which may be killed; they take seconds to start. */
  readonly share: 'shared' | 'own';
  readonly say: Say;
  readonly signal?: AbortSignal | undefined;
}

/** Throws OperatingError as `startStack`; `configuration-invalid` when servers of one's own are asked for of `external`. */
export async function takeServers({ share, say, signal }: ServersOptions): Promise<Servers> {
  if (share === 'own') {
    const stack = await startStack({ say, ...(signal && { signal }) });
    if (stack.kind !== 'external') return ownServers(stack);
    throw new OperatingError('configuration-invalid', 'external servers are nobody’s own', {
      remedy:
        'Unset DATABASE_URL and KAFKA_BROKERS, or name another DIPTYCH_STACK, for a test that kills servers.',
    });
  }
  const offered = readOffer(process.env[variable]);
  if (offered) return { ...offered, controls: null, release: async () => undefined };
  holder[key] ??= { stack: startStack({ say, ...(signal && { signal }) }), users: 0 };
  const shared = holder[key];
  shared.users += 1;
  try {
    const { kind, databaseUrl, brokers } = await shared.stack;
    return { kind, databaseUrl, brokers, controls: null, release: () => leave(shared) };
  } catch (error) {
    holder[key] = undefined;
    throw error;
  }
}

function ownServers(stack: Exclude<Stack, { kind: 'external' }>): Servers {
  const { kind, databaseUrl, brokers, postgres, kafka } = stack;
  return { kind, databaseUrl, brokers, controls: { postgres, kafka }, release: () => stack.stop() };
}

async function leave(shared: { readonly stack: Promise<Stack>; users: number }): Promise<void> {
  shared.users -= 1;
  if (shared.users > 0) return;
  holder[key] = undefined;
  await (await shared.stack).stop();
}

function readOffer(text: string | undefined): Offer | undefined {
  if (text === undefined) return undefined;
  const offer = JSON.parse(text) as Offer;
  return stackKinds.includes(offer.kind) ? offer : undefined;
}
