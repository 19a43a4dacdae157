/** All cases one after the other: those without options share a session, each other has one of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Say } from '@diptych/testkit/progress';
import { type Stack, startStack } from '@diptych/testkit/stack';
import { Watchdog } from '@diptych/testkit/watchdog';
import type { Case } from './case-file.ts';
import { Connect } from './connect.ts';
import { installConnect } from './connect-installation.ts';
import { availableModes, unknownSettings } from './modes.ts';
import { type CaseOutcome, runCase } from './run-case.ts';
import { type Servers, Session } from './session.ts';

export interface CampaignOptions {
  readonly say: Say;
  readonly signal: AbortSignal;
  /** Servers that run already; left out: a stack of its own. */
  readonly stack?: Stack;
}

/** Starts what is missing, gives it to `work`, and ends what it started. */
export async function withServers<T>(
  { say, signal, stack: given }: CampaignOptions,
  work: (servers: Servers) => Promise<T>,
): Promise<T> {
  const watchdog = new Watchdog();
  const directory = await mkdtemp(join(tmpdir(), 'diptych-conformance-'));
  watchdog.directoryCreated(directory);
  const stack = given ?? (await startStack({ say, signal }));
  let connect: Connect | undefined;
  try {
    const installation = await installConnect({ say, watchdog, signal });
    const { brokers } = stack;
    connect = await Connect.start({
      ...{ installation, brokers, watchdog, signal },
      directory: join(directory, 'connect'),
    });
    return await work({ stack, connect, modes: availableModes(), directory, watchdog, signal });
  } finally {
    await connect?.close();
    if (!given) await stack.stop();
    await watchdog.finish();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs the cases in their order and tells each outcome as it comes. */
export async function runCases(
  cases: readonly Case[],
  { servers, tell }: { servers: Servers; tell: (outcome: CaseOutcome) => void },
): Promise<CaseOutcome[]> {
  const outcomes: CaseOutcome[] = [];
  let shared: Session | undefined;
  let extensions: ReadonlySet<string> | undefined;
  try {
    for (const given of cases) {
      servers.signal.throwIfAborted();
      const plain = isPlain(given);
      const lacking = unknownSettings(given.needs);
      const note = (outcome: CaseOutcome) => {
        outcomes.push(outcome);
        tell(outcome);
      };
      const { name, title } = given;
      if (lacking.length > 0) {
        note({ name, title, tag: 'not-run', why: `the relay has no setting ${lacking.join(', ')} yet` });
        continue;
      }
      const session: Session =
        plain && shared ? shared : await Session.open(servers, plain ? nothing : given);
      if (plain) shared = session;
      extensions ??= await availableExtensions(session);
      const missing = given.extensions.filter((extension) => !extensions?.has(extension));
      if (missing.length > 0) {
        note({ name, title, tag: 'not-run', why: `this server has no extension ${missing.join(', ')}` });
        if (!plain) await session.close();
        continue;
      }
      const { outcome, sessionIsUsable } = await runCase(given, session);
      note(outcome);
      if (plain && sessionIsUsable) continue;
      if (plain) shared = undefined;
      await session.close();
    }
  } finally {
    await shared?.close();
  }
  return outcomes;
}

const nothing = { relay: {}, connector: {}, preparation: [] };

/** Whether a case may follow others: it asks for nothing of its own, and leaves both sides as they were. */
function isPlain({ relay, connector, preparation, steps, referenceFails }: Case): boolean {
  return (
    Object.keys(relay).length + Object.keys(connector).length + preparation.length === 0 &&
    referenceFails === undefined &&
    steps.every(({ tag }) => tag === 'statement' || tag === 'wait')
  );
}

async function availableExtensions(session: Session): Promise<ReadonlySet<string>> {
  const rows = await session.query<{ name: string }>('select name from pg_available_extensions');
  return new Set(rows.map(({ name }) => name));
}
