/** What goes on in the server now: transactions that are open for long. */
import { present } from '@diptych/runtime/assert';
import { type Catalogue, quoteLiteral } from '@diptych/wal/catalogue';
import { type Complaint, findings, sql } from './finding.ts';
import type { Check, Subject, Wish } from './subject.ts';

interface OpenTransaction {
  readonly pid: number;
  readonly application: string;
  readonly role: string;
  readonly state: string;
  readonly seconds: number;
}

export interface ActivityFacts {
  readonly role: string;
  /** Whether sessions of other roles are seen. */
  readonly seesOthers: boolean;
  readonly open: readonly OpenTransaction[];
  readonly prepared: readonly { readonly gid: string; readonly seconds: number }[];
}

async function read(catalogue: Catalogue, { longTransactionSeconds }: Wish): Promise<ActivityFacts> {
  const [row] = await catalogue.query<{ role: string; sees: boolean }>(
    `select quote_ident(current_user) as role, pg_has_role('pg_read_all_stats', 'usage') as sees`,
  );
  const { role, sees } = present(row, 'a select without from has one row');
  const open = await catalogue.query<OpenTransaction & { state: string }>(
    `select pid, application_name as application, usename as role, coalesce(state, 'unknown') as state,
       extract(epoch from now() - xact_start)::int as seconds
     from pg_stat_activity where backend_type = 'client backend' and backend_xid is not null and pid <> pg_backend_pid()
       and now() - xact_start >= make_interval(secs => $1) order by xact_start limit 20`,
    [longTransactionSeconds],
  );
  const prepared = await catalogue.query<{ gid: string; seconds: number }>(
    `select gid, extract(epoch from now() - prepared)::int as seconds from pg_prepared_xacts
     where now() - prepared >= make_interval(secs => $1) order by prepared limit 20`,
    [longTransactionSeconds],
  );
  return { role, seesOthers: sees, open, prepared };
}

/** A slot cannot be made while one is open, and keeps the WAL from where the oldest one began. */
const longTransactions: Check<ActivityFacts> = ({ role, seesOthers, open }, { longTransactionSeconds }) => {
  const complaints = open.map(
    ({ pid, application, role: user, state, seconds }): Complaint => ({
      ...{ tag: 'warning', object: `pid ${pid}` },
      message: `a transaction of ${user} (${application || 'no name'}, ${state}) is open for ${seconds} s: the slot keeps the WAL since then, and none can be made`,
      remedies: [sql(`select pg_terminate_backend(${pid})`, 'what it wrote is rolled back')],
    }),
  );
  if (!seesOthers)
    complaints.push({
      ...{ tag: 'unseen', object: role },
      message: `${role} does not see the transactions of other roles`,
      remedies: [sql(`grant pg_read_all_stats to ${role}`)],
    });
  return findings('long-transactions', complaints, `no transaction is open for ${longTransactionSeconds} s`);
};

const prepared: Check<ActivityFacts> = ({ prepared: found }) =>
  findings(
    'prepared-transactions',
    found.map(({ gid, seconds }) => ({
      ...{ tag: 'warning', object: gid },
      message: `the prepared transaction ${gid} waits for ${seconds} s: it survives restarts, and holds the WAL as an open one does`,
      remedies: [
        sql(
          `rollback prepared ${quoteLiteral(gid)}`,
          'what it wrote is rolled back; its manager may have decided otherwise',
        ),
      ],
    })),
    'no prepared transaction was forgotten',
  );

export const activitySubject: Subject<Catalogue, ActivityFacts> = {
  ...{ name: 'activity', read },
  checks: [longTransactions, prepared],
};
