import type { OperatingError } from '@diptych/runtime/failure';

/** docs/wire.md, "Names and defaults". */
export const exitCodes = { ok: 0, differences: 1, badUse: 2, notEnoughData: 3, operating: 4 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An operating error in two lines for a person: what is wrong, and the way out. */
export function explain(error: OperatingError): { text: string; exitCode: ExitCode } {
  const badUse = error.code === 'configuration-invalid';
  return {
    text: `diptych: ${error.message} (${error.code})\n  → ${error.remedy}\n`,
    exitCode: badUse ? exitCodes.badUse : exitCodes.operating,
  };
}
