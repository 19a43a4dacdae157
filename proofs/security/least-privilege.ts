/** A role that may do what `diptych init --sql` prints, and no more: the relay works with it. */
import { queryAt } from '../bridge.ts';
import { type Admission, namesOf, publishes } from './admissions.ts';
import { brokersBy, databaseBy, loginBy } from './refusals.ts';
import { relayMain } from './relay-main.ts';
import { runCommand } from './run-command.ts';
import type { Secured } from './security.ts';

const role = 'diptych lesser';

export function leastPrivilege(secured: Secured): Admission {
  return ['a role of `init --sql`', () => withLesserRole(secured)];
}

async function withLesserRole(secured: Secured): Promise<string[]> {
  const { databaseUrl, postgres, kafka, outputs, passwordFiles } = secured;
  const name = 'lesser';
  const { text: script, exitCode } = await runCommand(relayMain, {
    args: ['init', '--sql', '--role', role],
    environment: {
      ...namesOf(name),
      DIPTYCH_DATABASE_URL: databaseUrl,
      DIPTYCH_KAFKA_BROKERS: kafka.plain,
    },
  });
  outputs.add('init --sql', script);
  if (exitCode !== 0) return [`init --sql: ${script}`];
  await queryAt(databaseUrl, script);
  // The same password as the other user's: its file is there.
  await postgres.copyPassword({ from: 'relay', to: role });
  const settings = {
    ...databaseBy(secured, { user: encodeURIComponent(role) }),
    DIPTYCH_DATABASE_PASSWORD_FILE: passwordFiles.database,
    ...brokersBy(secured, kafka.listeners.login),
    ...loginBy(secured, { mechanism: 'scram-sha-512' }),
    DIPTYCH_PUBLICATION: 'given',
    DIPTYCH_SNAPSHOT_MODE: 'initial',
    DIPTYCH_HEARTBEAT_INTERVAL_MS: '200',
  } as const;
  const complaints = await publishes(secured, { name, settings });
  const [rights] = await queryAt<Record<string, boolean>>(
    databaseUrl,
    `select rolsuper or rolcreatedb or rolcreaterole or rolbypassrls as powers,
       has_table_privilege(rolname, 'products', 'insert, update, delete, truncate') as writes,
       has_database_privilege(rolname, current_database(), 'create') as creates
     from pg_roles where rolname = $1`,
    [role],
  );
  const surplus = Object.entries(rights ?? { role: true }).filter(([, has]) => has);
  return [...complaints, ...surplus.map(([right]) => `the role has more than it needs: ${right}`)];
}
