/** Reading a proof's arguments, and how a proof ends: exit codes as docs/wire.md has them. */
import { OperatingError } from '@diptych/runtime/failure';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { failuresOf, type Verdict, verdictLine } from '@diptych/runtime/verdict';
import { type Say, sayTo } from '@diptych/testkit/progress';

export interface ProofContext {
  readonly say: Say;
  /** Aborts on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** A wrong argument, in words. */
export class BadUse extends Error {}

/** A whole number or a fraction within its bounds. Throws BadUse that names the option. */
export function number(
  text: string | undefined,
  { option, min, max, whole = true }: { option: string; min: number; max: number; whole?: boolean },
): number {
  const value = Number(text);
  if (
    text === undefined ||
    text.trim() === '' ||
    !(value >= min && value <= max) ||
    (whole && !Number.isInteger(value))
  ) {
    throw new BadUse(
      `--${option} takes ${whole ? 'a whole number' : 'a number'} from ${min} to ${max}, not ${text}`,
    );
  }
  return value;
}

/**
 * Runs a proof to its exit code: 0 when every figure is within its limit, 1 when not, 2 for bad use, when something made the
 * run void or when it was interrupted, 4 when the world did not let it begin. `--json` prints one line; otherwise `describe` does.
 */
export async function runProof({
  usage,
  prove,
}: {
  usage: string;
  prove: (context: ProofContext) => Promise<{
    verdict: Verdict;
    json: boolean;
    notes: readonly string[];
    /** Something disturbed the run: it says nothing, whatever its figures are. */
    isVoid?: boolean;
  }>;
}): Promise<number> {
  const lifecycle = new Lifecycle();
  const say = sayTo(process.stderr);
  try {
    const { verdict, json, notes, isVoid = false } = await prove({ say, signal: lifecycle.stopping });
    for (const note of notes) say(note);
    process.stdout.write(`${json ? verdictLine(verdict) : describe(verdict)}\n`);
    if (isVoid) return 2;
    return failuresOf(verdict).length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof BadUse || isParseArgsError(error)) {
      process.stderr.write(`${error.message}\n${usage}\n`);
      return 2;
    }
    if (lifecycle.stopping.aborted) {
      process.stderr.write('interrupted: everything that was started is ended\n');
      return 2;
    }
    if (!(error instanceof OperatingError)) throw error;
    process.stderr.write(`${error.message} (${error.code})\n  → ${error.remedy}\n`);
    return 4;
  }
}

function describe(verdict: Verdict): string {
  const failures = failuresOf(verdict);
  const figures = Object.entries(verdict.figures).map(
    ([name, figure]) => `  ${name}: ${JSON.stringify(figure)}`,
  );
  const broken = failures.map(
    ({ what, expected, got }) => `  ${what} is ${JSON.stringify(got)}, allowed ${expected}`,
  );
  const head = `${verdict.name}: ${failures.length === 0 ? 'ok' : 'FAILED'} in ${verdict.seconds} s`;
  return [head, ...figures, ...(broken.length > 0 ? ['over the limit:', ...broken] : [])].join('\n');
}

/** https://nodejs.org/docs/latest-v24.x/api/util.html#utilparseargsconfig */
function isParseArgsError(error: unknown): error is Error {
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
