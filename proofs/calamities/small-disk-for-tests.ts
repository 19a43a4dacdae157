/**
 * A disk that is soon full, for one server: a small file system of its own where we may mount one (root), and elsewhere a
 * limit on the size of a file, which a server meets in the same call of write with an error of the same kind.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const kibibyte = 1024;

export class SmallDisk {
  readonly kind: 'file-system' | 'file-size-limit';
  /** Empty at first. */
  readonly directory: string;
  readonly #base: string;

  private constructor(kind: SmallDisk['kind'], base: string) {
    this.kind = kind;
    this.#base = base;
    this.directory = join(base, 'data');
  }

  /** `bytes` is what the file system holds, or what one file may. */
  static async create({ bytes }: { bytes: number }): Promise<SmallDisk> {
    const base = await mkdtemp(join(tmpdir(), 'diptych-small-disk-'));
    await run('mkdir', [join(base, 'data')]);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', join(base, 'data')]);
      return new SmallDisk('file-system', base);
    } catch {
      const disk = new SmallDisk('file-size-limit', base);
      await disk.#limit(String(Math.floor(bytes / 8 / kibibyte)));
      return disk;
    }
  }

  /** Hands the server's command line on, at each start with the limit of that time. */
  get through(): readonly string[] {
    if (this.kind === 'file-system') return [];
    return ['bash', '-c', 'ulimit -f "$(cat "$0")" && exec "$@"', this.#limitFile];
  }

  /** Room enough; a limit of file sizes counts from the server's next start. */
  async enlarge({ bytes }: { bytes: number }): Promise<void> {
    if (this.kind === 'file-size-limit') return await this.#limit('unlimited');
    await run('mount', ['-o', `remount,size=${bytes}`, this.directory]);
  }

  async remove(): Promise<void> {
    if (this.kind === 'file-system') await run('umount', ['-l', this.directory]);
    await rm(this.#base, { recursive: true, force: true });
  }

  get #limitFile(): string {
    return join(this.#base, 'limit');
  }

  /** In KiB, as bash counts: https://www.gnu.org/software/bash/manual/html_node/Bash-Builtins.html#index-ulimit */
  async #limit(kibibytes: string): Promise<void> {
    await writeFile(this.#limitFile, kibibytes);
  }
}
