/** A relay as a process, for those who kill it. */
import { fileURLToPath } from 'node:url';
import { nodeEnvironment, nodeArguments as usualArguments } from '@diptych/relay-app/node-arguments';
import { OperatingError } from '@diptych/runtime/failure';
import { poll } from '@diptych/runtime/poll';
import { NodeProcess, type NodeProcessOptions } from './node-process.ts';

const relayMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));

/** Settings of a relay, as its environment variables. */
export type RelaySettings = Readonly<Record<`DIPTYCH_${string}`, string>>;

/** Servers may be slow, and so may the machine. */
const readyTimeoutMs = 60_000;

export interface RelayOptions extends Pick<NodeProcessOptions, 'name' | 'logFile' | 'watchdog'> {
  readonly settings: RelaySettings;
  /** What Node is given to run; by itself the relay's source. */
  readonly main?: string;
  /** Arguments of Node itself, besides those that a relay is always started with. */
  readonly nodeArguments?: readonly string[];
}

/** Started it is `diptych run`; asked to stop it publishes and reports what it received. */
export class RelayProcess extends NodeProcess {
  readonly #url: string;

  constructor({ settings, main = relayMain, nodeArguments = [], ...options }: RelayOptions) {
    super({
      ...options,
      ...{ main, args: ['run'], environment: { ...nodeEnvironment, ...settings } },
      inherited: withoutSettings(process.env),
      nodeArguments: [...usualArguments, ...nodeArguments],
    });
    this.#url = `http://127.0.0.1:${settings.DIPTYCH_HTTP_PORT}`;
  }

  /** Where it answers over HTTP. */
  get url(): string {
    return this.#url;
  }

  /** Never resolves: rejects with OperatingError `relay-ended`, and the end of its log, when it ends although nobody asked it to. */
  async untilUnaskedExit(): Promise<never> {
    const { code, lastLine } = await this.unaskedExit;
    throw new OperatingError(
      'relay-ended',
      `${this.name} ended (${code === null ? 'by a signal' : `exit ${code}`}):\n${lastLine}`,
      {
        remedy: 'The last lines of its log say why.',
      },
    );
  }

  /** `diptych init`: waits until it is done. Throws with the end of its log when it refuses. */
  initialise(): Promise<void> {
    return this.command('init');
  }

  /**
   * Waits until it streams or stands by. Throws OperatingError `relay-ended` with the last lines of its log when it does not
   * come up, or not within the time.
   */
  async ready({ timeoutMs = readyTimeoutMs }: { timeoutMs?: number } = {}): Promise<void> {
    const answers = async () => {
      if (!this.running) return false;
      return (await fetch(`${this.#url}/readyz`).catch(() => null))?.ok ? true : undefined;
    };
    const what = `${this.name} is ready`;
    const isReady = await poll(answers, { what, timeoutMs }).catch(() => false);
    if (isReady) return;
    throw new OperatingError('relay-ended', `${this.name} is not ready:\n${await this.lastLine()}`, {
      remedy: 'The last lines of its log say why.',
    });
  }

  /** What it answers at `/status`; null while it does not, or not within 200 ms. */
  async status(): Promise<{ role: string; publishedLsn: string } | null> {
    try {
      const answer = await fetch(`${this.#url}/status`, { signal: AbortSignal.timeout(200) });
      return (await answer.json()) as { role: string; publishedLsn: string };
    } catch {
      return null;
    }
  }

  /** Records that this life committed to Kafka, over all panels; null while it does not answer. */
  async recordsPublished(): Promise<number | null> {
    try {
      const answer = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(1000) });
      const counts = (await answer.text()).matchAll(/^diptych_records_published_total\{.*\} (\d+)/gm);
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    } catch {
      return null;
    }
  }

  /** Rows that were read of the tables that a snapshot is reading; null while it does not answer. */
  async snapshotRows(): Promise<number | null> {
    try {
      const answer = await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(1000) });
      return Number(/^diptych_snapshot_rows (\d+)/m.exec(await answer.text())?.[1] ?? 0);
    } catch {
      return null;
    }
  }
}

/** The settings of the user's own relay are not this one's. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !name.startsWith('DIPTYCH_') || name === 'DIPTYCH_LOG_LEVEL',
    ),
  );
}
