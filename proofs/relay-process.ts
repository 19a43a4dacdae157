/** A relay as a process, for those who kill it. */
import { fileURLToPath } from 'node:url';
import { nodeArguments as usualArguments } from '@diptych/relay-app/node-arguments';
import { NodeProcess, type NodeProcessOptions } from './node-process.ts';

const relayMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));

/** Settings of a relay, as its environment variables. */
export type RelaySettings = Readonly<Record<`DIPTYCH_${string}`, string>>;

export interface RelayOptions extends Pick<NodeProcessOptions, 'name' | 'logFile' | 'watchdog'> {
  readonly settings: RelaySettings;
  /** Arguments of Node itself, besides those that a relay is always started with. */
  readonly nodeArguments?: readonly string[];
}

/** Started it is `diptych run`; asked to stop it publishes and reports what it received. */
export class RelayProcess extends NodeProcess {
  readonly #url: string;

  constructor({ settings, nodeArguments = [], ...options }: RelayOptions) {
    super({
      ...options,
      ...{ main: relayMain, args: ['run'], environment: settings },
      nodeArguments: [...usualArguments, ...nodeArguments],
    });
    this.#url = `http://127.0.0.1:${settings.DIPTYCH_HTTP_PORT}`;
  }

  /** `diptych init`: waits until it is done. Throws with the end of its log when it refuses. */
  initialise(): Promise<void> {
    return this.command('init');
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
