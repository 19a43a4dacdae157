import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { alterUserScramCredentialsV0, Base } from '@platformatic/kafka';

const mechanisms = {
  'scram-sha-256': { number: 1, hash: 'sha256', bytes: 32 },
  'scram-sha-512': { number: 2, hash: 'sha512', bytes: 64 },
} as const;

/** The least that Kafka takes. */
const iterations = 4096;

/** Makes a user known to the brokers, by one listener that wants no login. https://www.rfc-editor.org/rfc/rfc5802#section-3 */
export async function createScramUser({
  broker,
  mechanism,
  username,
  password,
}: {
  broker: string;
  mechanism: keyof typeof mechanisms;
  username: string;
  password: string;
}): Promise<void> {
  const { number, hash, bytes } = mechanisms[mechanism];
  const salt = randomBytes(16);
  const saltedPassword = pbkdf2Sync(password, salt, iterations, bytes, hash);
  const base = new Base({ clientId: 'scram', bootstrapBrokers: [broker] });
  const [host = '', port] = broker.split(':');
  try {
    const connection = await base.connections.get({ host, port: Number(port) });
    const user = { name: username, mechanism: number, iterations, salt, saltedPassword };
    await alterUserScramCredentialsV0.api.async(connection, [], [user]);
  } finally {
    await base.close();
  }
}
