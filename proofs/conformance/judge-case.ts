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
  const own = await publishedPart(given, { session, account });
  const partial = new Set([...partialTopics(given, { session, records }), ...own.unpublished]);
  const options: JudgeOptions = { session, account: own.account, forms: sides.forms, partial, parked };
  if (given.foldAlone !== undefined)
    return [...(await judgeFold(records, options)), ...repeatedRows(records)];
  return given.snapshots?.mode === 'initial_only'
    ? await judgeFold(records, options)
    : await judge(records, options);
}

interface PublishedPart {
  readonly account: DatabaseAccount;
  /** Topics of tables that speak elsewhere, or not at all. */
  readonly unpublished: ReadonlySet<string>;
}

/** What of the database's account is to be published, under which topics. */
async function publishedPart(
  { relay }: Case,
  { session, account }: Pick<CaseInSession, 'session' | 'account'>,
): Promise<PublishedPart> {
  const isIncluded = matcher(relay.DIPTYCH_CHANGE_INCLUDE ?? '*.*');
  const isExcluded = matcher(relay.DIPTYCH_CHANGE_EXCLUDE ?? '');
  const roots =
    relay.DIPTYCH_CHANGE_PARTITIONS === 'root' ? await rootsOf(session) : new Map<string, string>();
  const topics = new Set(account.noted.map(({ topic }) => topic));
  const isPublished = (topic: string) => isIncluded(topic) && !isExcluded(topic);
  const noted = account.noted
    .filter(({ topic }) => isPublished(topic))
    .map((note) => ({ ...note, topic: roots.get(note.relation) ?? note.topic }));
  const now = new Set(noted.map(({ topic }) => topic));
  return { account: { ...account, noted }, unpublished: topics.difference(now) };
}

/** Whether a name fits one of some, in which `*` stands for any characters. */
function matcher(names: string): (name: string) => boolean {
  const patterns = names
    .split(',')
    .filter((name) => name !== '')
    .map(
      (name) =>
        new RegExp(
          `^${name
            .split('*')
            .map((part) => RegExp.escape(part))
            .join('.*')}$`,
        ),
    );
  return (name) => patterns.some((pattern) => pattern.test(name));
}

/** The topics of tables that were partitioned, by the oids of their partitions. */
async function rootsOf(session: Session): Promise<Map<string, string>> {
  const rows = await session.query<{ relation: string; topic: string }>(
    `select p.oid::text as relation, n.nspname || '.' || r.relname as topic
     from pg_class p join pg_class r on r.oid = pg_partition_root(p.oid) join pg_namespace n on n.oid = r.relnamespace
     where p.relispartition`,
  );
  return new Map(rows.map(({ relation, topic }) => [relation, topic]));
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
