/** A check is a pure function of what was read; what is read together is a subject. */
import { OperatingError } from '@diptych/runtime/failure';
import type { Configuration } from '../configuration.ts';
import { act, type Finding } from './finding.ts';

/** What the configuration wants, which decides with the facts. */
export interface Wish {
  readonly configuration: Configuration;
  /** From when on an open transaction is a long one. */
  readonly longTransactionSeconds: number;
}

export type Check<Facts> = (facts: Facts, wish: Wish) => Finding[];

export interface Subject<Source, Facts> {
  readonly name: string;
  readonly read: (source: Source, wish: Wish) => Promise<Facts>;
  readonly checks: readonly Check<Facts>[];
}

/** Reads a subject and asks each of its checks. What cannot be read is a finding, and hinders no other subject. */
export async function examineSubject<Source, Facts>(
  { name, read, checks }: Subject<Source, Facts>,
  { source, wish }: { readonly source: Source; readonly wish: Wish },
): Promise<Finding[]> {
  try {
    const facts = await read(source, wish);
    return checks.flatMap((check) => check(facts, wish));
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    const { code, message, remedy } = error;
    const said = `could not be looked at: ${message} (${code})`;
    return [{ tag: 'unseen', check: name, object: null, message: said, remedies: [act(remedy)] }];
  }
}
