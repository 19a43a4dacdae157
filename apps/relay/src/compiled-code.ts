/**
 * Where Node keeps what it made of our files: stripped of types, and compiled. A start that finds it there takes a third less
 * processor time, and never loads what strips types. https://nodejs.org/docs/latest-v24.x/api/module.html#module-compile-cache
 */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Beside the packages: whoever may write there may change what runs in any case, which of a directory for temporary files is not
 * true. Where nobody may write, nothing is kept.
 */
const directory = fileURLToPath(new URL('../../../node_modules/.cache/diptych', import.meta.url));

/** Before anything else is imported. NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE=1 none. */
export function keepCompiledCode(): void {
  enableCompileCache(process.env.NODE_COMPILE_CACHE ?? directory);
}
