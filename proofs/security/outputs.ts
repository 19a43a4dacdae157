/** All that was said anywhere, and which secrets stand in it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export class Outputs {
  readonly #texts: { readonly what: string; readonly text: string }[] = [];
  readonly #secrets = new Map<string, string>();

  /** What must stand nowhere: as it is, and as a URL writes it. */
  plant(name: string, secret: string): void {
    this.#secrets.set(name, secret);
    this.#secrets.set(`${name}, as in a URL`, encodeURIComponent(secret));
  }

  /** Of a private key one line is enough. */
  async plantKey(name: string, file: string): Promise<void> {
    const [, line = ''] = (await readFile(file, 'utf8')).split('\n');
    this.plant(name, line);
  }

  add(what: string, text: string): void {
    this.#texts.push({ what, text });
  }

  /** Every log in the directory. */
  async addLogs(directory: string): Promise<void> {
    for (const name of await readdir(directory))
      if (name.endsWith('.log')) this.add(name, await readFile(join(directory, name), 'utf8'));
  }

  get bytes(): number {
    return this.#texts.reduce((sum, { text }) => sum + text.length, 0);
  }

  /** Where a secret stands, without it. */
  leaks(): string[] {
    return this.#texts.flatMap(({ what, text }) =>
      [...this.#secrets].flatMap(([name, secret]) => (text.includes(secret) ? [`${name} in ${what}`] : [])),
    );
  }
}
