/** A Chromium to test in: one that is there, else the distribution's, which is installed as other prerequisites are. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { OperatingError } from '@diptych/runtime/failure';
import { commandOnPath, runCommand } from '@diptych/testkit/command';
import { type Say, showing } from '@diptych/testkit/progress';
import { Watchdog } from '@diptych/testkit/watchdog';
import { chromium } from 'playwright-core';

const commands = ['chromium', 'chromium-headless-shell', 'google-chrome', 'chromium-browser'];
const playwrightCommand = join(
  dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')),
  'cli.js',
);
const packages = ['chromium', 'fonts-dejavu-core'];
/** Another one may be installing something. */
const patient = ['-o', 'DPkg::Lock::Timeout=300'];
const installTimeoutMs = 10 * 60_000;

/**
 * Where it is: DIPTYCH_CHROMIUM, one on PATH, one that Playwright has fetched. Where there is none, `apt-get` installs
 * Debian's for root, and Playwright fetches its own for others. Throws OperatingError `prerequisite-missing`: no test is
 * left out because there is no browser.
 */
export async function findChromium(say: Say, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const found = env.DIPTYCH_CHROMIUM || (await installed(env));
  if (found) return found;
  const why = await showing({ say, what: 'installing a browser to test in' }, () => install(env));
  const now = await installed(env);
  if (now !== undefined) return now;
  throw new OperatingError(
    'prerequisite-missing',
    `there is no Chromium to test the console in\n${why}`.trim(),
    {
      remedy: 'Install `chromium` (Debian: apt-get install chromium), or name one in DIPTYCH_CHROMIUM.',
    },
  );
}

async function installed(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const command of commands) {
    const path = await commandOnPath(command, env.PATH);
    if (path !== undefined) return path;
  }
  const fetched = chromium.executablePath();
  return existsSync(fetched) ? fetched : undefined;
}

/** What went wrong, in the words of what was tried; the caller looks whether it helped. */
async function install(env: NodeJS.ProcessEnv): Promise<string> {
  const isRoot = process.getuid?.() === 0;
  const hasApt = (await commandOnPath('apt-get', env.PATH)) !== undefined;
  const steps =
    isRoot && hasApt
      ? [
          ['apt-get', '-qq', ...patient, 'update'],
          ['apt-get', '-qq', ...patient, 'install', '-y', '--no-install-recommends', ...packages],
        ]
      : [[process.execPath, playwrightCommand, 'install', 'chromium']];
  const watchdog = new Watchdog();
  try {
    for (const [command = '', ...args] of steps) {
      const { code, output } = await runCommand({ command, args, timeoutMs: installTimeoutMs, watchdog });
      if (code !== 0) return output.slice(-2000);
    }
    return '';
  } finally {
    await watchdog.finish();
  }
}
