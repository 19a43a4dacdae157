/** Shapes that may be without an event, each with the reason: `audit.accepted.json` (docs/compare.md). */
import { readFile } from 'node:fs/promises';
import { OperatingError } from '@diptych/runtime/failure';
import { z } from 'zod';

export interface AcceptedShape {
  /** As the report prints it; without values of states it is of all of them. */
  readonly shape: string;
  readonly reason: string;
}

const fileSchema = z.strictObject({
  accepted: z.array(z.strictObject({ shape: z.string().min(1), reason: z.string().trim().min(1) })),
});

/** Reads the file. Throws OperatingError `configuration-invalid`, also when it is not there and `required`. */
export async function readAccepted({
  path,
  required,
}: {
  path: string;
  required: boolean;
}): Promise<readonly AcceptedShape[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (!required) return [];
    throw invalid(path, 'it cannot be read', cause);
  }
  return parseAccepted(text, path);
}

/** Reads the file's text. Throws OperatingError `configuration-invalid`. */
export function parseAccepted(text: string, path: string): readonly AcceptedShape[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(path, 'it is not JSON', cause);
  }
  const read = fileSchema.safeParse(json);
  if (!read.success) throw invalid(path, z.prettifyError(read.error).replaceAll('\n', ' '), read.error);
  return read.data.accepted;
}

function invalid(path: string, why: string, cause: unknown): OperatingError {
  return new OperatingError('configuration-invalid', `${path} cannot be used: ${why}`, {
    remedy: 'Write {"accepted": [{"shape": "…", "reason": "…"}]}, each shape as `diptych audit` prints it.',
    cause,
  });
}
