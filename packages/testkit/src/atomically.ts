import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Watchdog } from './watchdog.ts';

/** A folder that several processes may want to make at once. */
export interface Target {
  readonly target: string;
  /** Whether the target is there as it should be. */
  readonly complete: () => Promise<boolean>;
  /** Removes the unfinished folder when we are killed. */
  readonly watchdog?: Watchdog;
}

/**
 * Fills a folder beside the target, then renames it: nobody ever sees a target that is half filled. When another process
 * was quicker its complete target is kept; a broken one is replaced.
 */
export async function atomically(
  { target, watchdog, complete }: Target,
  fill: (part: string) => Promise<void>,
): Promise<void> {
  const part = join(
    dirname(target),
    `${basename(target)}.${process.pid}-${randomBytes(4).toString('hex')}.part`,
  );
  watchdog?.directoryCreated(part);
  try {
    await mkdir(part, { recursive: true });
    await fill(part);
    await rename(part, target).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      if (await complete()) return;
      // What is there is broken, and in the way.
      await rm(target, { recursive: true, force: true });
      await rename(part, target);
    });
  } catch (error) {
    if (!(await complete())) throw error;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}
