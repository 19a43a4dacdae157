/** The system of docker-compose.yml as a compose project of its own: other name, other ports, other image tag. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts } from '@diptych/testkit/port';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

/** An answer of `docker compose` takes seconds; `up` builds and may pull. */
const commandTimeoutMs = 120_000;
const upTimeoutMs = 570_000;
const outputBytesMax = 16 * 1024 * 1024;

/** What is told of each container when something went wrong. */
const logLines = 40;

/** A container as `docker compose ps` shows it. */
export interface Container {
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
  readonly ExitCode: number;
  readonly Publishers: readonly { readonly URL: string; readonly PublishedPort: number }[] | null;
}

/** The configuration of a service, after interpolation. */
export interface Service {
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly healthcheck?: object;
}

export class ComposeProject {
  readonly name = `diptych-test-${randomBytes(4).toString('hex')}`;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(ports: Record<string, string>) {
    this.#environment = { ...process.env, ...ports, APP_IMAGE: `${this.name}:test` };
  }

  /** Chooses ports; starts nothing yet. */
  static async prepare(): Promise<ComposeProject> {
    const names = [
      'CART_PORT',
      'RELAY_PORT',
      'STANDBY_PORT',
      'SHIPPING_PORT',
      'PROJECTIONS_PORT',
      'CONSOLE_PORT',
      'POSTGRES_PORT',
      'KAFKA_PORT',
    ];
    const ports = await freePorts(names.length);
    return new ComposeProject(Object.fromEntries(names.map((name, index) => [name, String(ports[index])])));
  }

  get cartUrl(): string {
    return this.#url('CART_PORT');
  }

  get shippingUrl(): string {
    return this.#url('SHIPPING_PORT');
  }

  get projectionsUrl(): string {
    return this.#url('PROJECTIONS_PORT');
  }

  relayUrl(service: 'relay' | 'relay-standby'): string {
    return this.#url(service === 'relay' ? 'RELAY_PORT' : 'STANDBY_PORT');
  }

  #url(variable: string): string {
    return `http://127.0.0.1:${this.#environment[variable]}`;
  }

  /** `docker compose up --wait`. Throws an Error that shows what the containers said last. */
  async up(...options: string[]): Promise<void> {
    try {
      await this.#docker([...this.#compose, 'up', '--wait', ...options], upTimeoutMs);
    } catch (cause) {
      throw new Error(`the project did not come up\n${await this.describe()}`, { cause });
    }
  }

  /** `docker compose <args>`; what it wrote to standard output. */
  compose(...args: string[]): Promise<string> {
    return this.#docker([...this.#compose, ...args]);
  }

  /** `docker compose <args>`, whatever exit code it ends with. Throws an Error when there is no output to judge by. */
  async attempt(...args: string[]): Promise<string> {
    try {
      return await this.compose(...args);
    } catch (error) {
      if (
        error instanceof Error &&
        'stdout' in error &&
        typeof error.stdout === 'string' &&
        error.stdout !== ''
      )
        return error.stdout;
      throw error;
    }
  }

  /** `docker <args>`; what it wrote to standard output. */
  docker(...args: string[]): Promise<string> {
    return this.#docker(args);
  }

  async containers(): Promise<Container[]> {
    const lines = await this.compose('ps', '--all', '--format', 'json');
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Container => JSON.parse(line));
  }

  async services(): Promise<Record<string, Service>> {
    const text = await this.compose('--profile', '*', 'config', '--format', 'json');
    const { services }: { services: Record<string, Service> } = JSON.parse(text);
    return services;
  }

  /** The volumes that containers of this project write to, those without a name of ours included. */
  async volumes(): Promise<string[]> {
    const ids = (await this.compose('ps', '--all', '--quiet')).split('\n').filter((line) => line !== '');
    const format = '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Name}}{{end}}{{end}}';
    const names = await this.docker('inspect', '--format', format, ...ids);
    return names
      .split('\n')
      .filter((line) => line !== '')
      .toSorted();
  }

  /** What the engine still has of this project: containers, volumes, networks. */
  async remains(): Promise<string[]> {
    const filter = ['--quiet', '--filter', `label=com.docker.compose.project=${this.name}`];
    const lists = await Promise.all([
      this.docker('ps', '--all', ...filter),
      this.docker('volume', 'ls', ...filter),
      this.docker('network', 'ls', ...filter),
    ]);
    return lists.flatMap((list) => list.split('\n')).filter((line) => line !== '');
  }

  /** States and last log lines of all containers. Never throws. */
  async describe(): Promise<string> {
    const asked = [this.compose('ps', '--all'), this.compose('logs', '--no-color', `--tail=${logLines}`)];
    const answers = await Promise.allSettled(asked);
    return answers
      .map((answer) => (answer.status === 'fulfilled' ? answer.value : String(answer.reason)))
      .join('\n');
  }

  /** Removes everything, whatever state it is in, the image included. */
  async remove(): Promise<void> {
    await this.compose('--profile', '*', 'down', '--volumes', '--remove-orphans', '--timeout', '5');
    await this.docker('image', 'rm', '--force', `${this.name}:test`);
  }

  get #compose(): string[] {
    return ['compose', '--project-name', this.name, '--progress', 'quiet', '--ansi', 'never'];
  }

  async #docker(args: string[], timeoutMs = commandTimeoutMs): Promise<string> {
    const options = { cwd: root, env: this.#environment, maxBuffer: outputBytesMax, timeout: timeoutMs };
    const { stdout } = await run('docker', args, options);
    return stdout;
  }
}
