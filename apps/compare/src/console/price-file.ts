/** What `diptych price --json` wrote last. */
import { readFile, stat } from 'node:fs/promises';
import type { PriceAnswer } from '@diptych/compare/console-reports';
import { z } from 'zod';

const reportSchema = z.object({
  ways: z.array(
    z.object({
      way: z.string(),
      transactions: z.number(),
      walBytesPerTransaction: z.number(),
      commitMs: z.object({ p50: z.number(), p99: z.number() }),
      tableBytesPerTransaction: z.number(),
    }),
  ),
  seconds: z.number(),
  /** In sentences. */
  method: z.array(z.string()),
});

const bytesMax = 1_000_000;
const howTo =
  'Run `diptych price --json > price.json` against your own database, and start the console with `--price price.json`.';

/** A file that is not there yet, or is no report, is none. */
export async function priceOf(file: string | null): Promise<PriceAnswer> {
  const none = { report: null, measuredAt: null, howTo };
  if (file === null) return none;
  try {
    const { mtime, size } = await stat(file);
    if (size > bytesMax) return none;
    const { method, ...report } = reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    return { ...none, report: { ...report, method: method.join(' ') }, measuredAt: mtime.toISOString() };
  } catch {
    return none;
  }
}
