/** The console's page is built at the first start, and again when its sources have changed. */
import { execFile } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { builtPage } from '@diptych/compare-app/console/page-files';
import { type Say, showing } from '@diptych/testkit/progress';

const page = fileURLToPath(new URL('../../console', import.meta.url));

/** Without the page the console serves its data all the same, and says what is missing: a failure is told, and no end. */
export async function buildPage(say: Say): Promise<void> {
  const built = join(builtPage, 'index.html');
  if (
    !existsSync(join(page, 'package.json')) ||
    (existsSync(built) && newestSourceMs() <= statSync(built).mtimeMs)
  )
    return;
  try {
    await showing({ say, what: 'building the console’s page' }, async () => {
      await promisify(execFile)('npm', ['run', 'build'], { cwd: page });
    });
  } catch (error) {
    say(`the console’s page could not be built: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function newestSourceMs(): number {
  const files = globSync(['src/**/*', 'index.html', 'vite.config.ts'], { cwd: page });
  return Math.max(0, ...files.map((file) => statSync(join(page, file)).mtimeMs));
}
