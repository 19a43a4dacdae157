/** The services by the same settings: who is ready over TLS with a login, and what one that is refused says. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTopics } from '@diptych/kafka/topics';
import { poll } from '@diptych/runtime/poll';
import { createDatabase } from '@diptych/testkit/database';
import { NodeProcess } from '@diptych/testkit/node-process';
import { freePorts } from '@diptych/testkit/port';
import { type Admission, textOf } from './admissions.ts';
import { runCommand } from './run-command.ts';
import type { Secured } from './security.ts';

const readyTimeoutMs = 90_000;
const mainOf = (app: string): string => fileURLToPath(import.meta.resolve(`@diptych/${app}/main`));

type Environment = Readonly<Record<string, string>>;

export function secureServices(secured: Secured): Admission[] {
  const { certificates, postgres, kafka, passwordFiles } = secured;
  const database = (name: string, path: string): Environment => ({
    [`${name}_URL`]: `postgres://relay@${postgres.address}/${path}`,
    [`${name}_PASSWORD_FILE`]: passwordFiles.database,
    [`${name}_TLS_MODE`]: 'verify-full',
    [`${name}_TLS_CA_FILE`]: certificates.caFile,
  });
  const brokers = (name: string): Environment => ({
    [`${name}_BROKERS`]: kafka.listeners.login,
    [`${name}_TLS_MODE`]: 'verify-full',
    [`${name}_TLS_CA_FILE`]: certificates.caFile,
    [`${name}_SASL_MECHANISM`]: 'scram-sha-512',
    [`${name}_SASL_USERNAME`]: 'relay',
    [`${name}_SASL_PASSWORD_FILE`]: passwordFiles.kafka,
  });
  const shipping = { ...database('SHIPPING_DATABASE', 'shipping'), ...brokers('KAFKA') };
  const says = (app: string, part: string, environment: Environment): Admission => [
    `${app}: ${part}`,
    () => answers(secured, { app, args: [], environment, part }),
  ];
  return [
    ['the topics and databases of the services', () => makeRoom(secured)],
    says('cart-app', '"status":"ready"', database('DATABASE', 'shop')),
    says('shipping-app', '"status":"ready"', shipping),
    says('shipping-app', 'kafka-refused-login', {
      ...shipping,
      KAFKA_SASL_PASSWORD_FILE: passwordFiles.wrong,
    }),
    says('shipping-app', 'kafka-tls-refused', { ...shipping, KAFKA_TLS_CA_FILE: certificates.foreignCaFile }),
    says('shipping-app', 'database.tls.caFile', {
      ...shipping,
      SHIPPING_DATABASE_TLS_CA_FILE: certificates.foreignCaFile,
    }),
    says('shipping-app', 'kafka.tls.mode', { ...shipping, KAFKA_BROKERS: kafka.plain }),
    says('cart-app', 'database-away', {
      ...database('DATABASE', 'shop'),
      DATABASE_TLS_CA_FILE: certificates.foreignCaFile,
    }),
    says('projections-app', '"projections"', {
      ...database('PROJECTIONS_DATABASE', 'projections'),
      ...brokers('KAFKA'),
    }),
    ['compare report', () => compares(secured, brokers('DIPTYCH_KAFKA'))],
  ];
}

async function makeRoom({ kafka, postgres }: Secured): Promise<string[]> {
  const specs = [{ name: 'outbox.event.cart', partitions: 1, config: {} }];
  await ensureTopics({ brokers: [kafka.plain], specs });
  for (const name of ['shipping', 'projections']) await createDatabase(postgres.databaseUrl, name);
  return [];
}

/** Runs the service until what it says of itself has the part. */
async function answers(
  { outputs, logs, watchdog }: Secured,
  {
    app,
    args,
    environment,
    part,
  }: { app: string; args: readonly string[]; environment: Environment; part: string },
): Promise<string[]> {
  const [port = 0] = await freePorts(1);
  const service = new NodeProcess({
    ...{ name: app, main: mainOf(app), args, watchdog },
    environment: { ...environment, PORT: String(port) },
    logFile: join(logs, `${app}.log`),
  });
  let last = '';
  const has = async () => {
    if (!service.running) throw new Error(`it has ended: ${await service.lastLine()}`);
    const paths = app === 'projections-app' ? ['projections'] : ['readyz'];
    const texts = await Promise.all(
      paths.map((path) => textOf(`http://127.0.0.1:${port}/${path}`).catch(String)),
    );
    last = texts.join('\n');
    return last.includes(part) || undefined;
  };
  service.start();
  try {
    await poll(has, { what: `${app} says ${part}`, timeoutMs: readyTimeoutMs, intervalMs: 200 });
    return [];
  } catch (error) {
    return [`${error instanceof Error ? error.message : String(error)}; it said ${last}`];
  } finally {
    outputs.add(`${app}, ${part}`, last);
    await service.stop();
  }
}

async function compares({ outputs }: Secured, environment: Environment): Promise<string[]> {
  const args = ['report', '--json', '--prefix', 'lesser', '--domain-prefix', 'lesser.outbox.event.'];
  const { exitCode, text } = await runCommand(mainOf('compare-app'), { args, environment });
  outputs.add('compare report', text);
  return exitCode <= 1 && exitCode >= 0 && text.includes('"name":"compare"')
    ? []
    : [`exit ${exitCode}: ${text}`];
}
