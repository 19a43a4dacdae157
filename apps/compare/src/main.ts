#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MIMALLOC_ALLOW_THP=0 node --max-semi-space-size=4 --heap-growing-percent=20
import { runCommandLine } from './command-line.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), { out: process.stdout, err: process.stderr });
