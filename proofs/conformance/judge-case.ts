/** What of a case the database can judge, and of which tables it knows all rows. */
import type { Case } from './case-file.ts';
import type { ModeSides } from './mode-sides.ts';
import { isReadRow, type Observed, type Published } from './observed.ts';
import { type DatabaseAccount, type JudgeOptions, judge, judgeFold } from './oracle.ts';
import { repeatedRows } from './read-rows.ts';
import type { Session } from './session.ts';

export interface CaseInSession {
  readonly session: Session;
  readonly sides: ModeSides;
  readonly account: DatabaseAccount;
}

/** Columns that are published otherwise than they are, or are not. */
const reshaping = /^DIPTYCH_CHANGE_(COLUMNS_|KEY_COLUMNS)/;

/** Where the records are not what the database says, in words. */
export async function judgeCase(
  given: Case,
  { session, sides, account, published }: CaseInSession & { readonly published: Published },
): Promise<string[]> {
  const { records, parked } = published;
  const isReshaped = Object.keys(given.relay).some((name) => reshaping.test(name));
  if (given.topics !== '' || isReshaped) return [];
  const partial = partialTopics(given, { session, records });
  const options: JudgeOptions = { session, account, forms: sides.forms, partial, parked };
  if (given.foldAlone !== undefined)
    return [...(await judgeFold(records, options)), ...repeatedRows(records)];
  return given.snapshots?.mode === 'initial_only'
    ? await judgeFold(records, options)
    : await judge(records, options);
}

/** Topics that need not hold all rows of their tables. */
function partialTopics(
  { snapshots }: Case,
  { session, records }: { session: Session; records: readonly Observed[] },
): ReadonlySet<string> {
  const read = new Set(records.filter(isReadRow).map(({ topic }) => topic));
  const unread = [...session.tablesWithRows].filter((topic) => !read.has(topic));
  const all = snapshots?.mode === 'initial_only' || snapshots?.partial.has('*');
  const named = [...(snapshots?.partial ?? [])].map((table) => table.replaceAll(/[^A-Za-z0-9._-]/g, '_'));
  return new Set([...unread, ...named, ...(all ? [...session.tablesWithRows, ...read] : [])]);
}
