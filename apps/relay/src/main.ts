#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MIMALLOC_ALLOW_THP=0 node --max-semi-space-size=4 --heap-growing-percent=30 --no-parallel-scavenge --no-maglev
import { keepCompiledCode } from './compiled-code.ts';

keepCompiledCode();
const { runCommandLine } = await import('./command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
