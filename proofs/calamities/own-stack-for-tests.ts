/** Servers of a file's own, whose broker may be killed or frozen. */
import type { TestServers } from '@diptych/relay-app/relay-under-test';
import { createDatabase, dropDatabase } from '@diptych/testkit/database';
import { type Stack, startStack } from '@diptych/testkit/stack';

export interface OwnStack {
  readonly stack: Exclude<Stack, { kind: 'external' }>;
  readonly servers: TestServers;
}

/**
 * Embedded whatever the run's stack is: servers of one's own are not ours to kill, and a broker that is killed in a
 * container may lose a commit that it has confirmed (docs/decisions/0008).
 */
export async function startOwnStack(): Promise<OwnStack> {
  const stack = await startStack({ env: { ...process.env, DIPTYCH_STACK: 'embedded' } });
  if (stack.kind === 'external') throw new Error('this test needs servers of its own');
  const database = async () => {
    const url = await createDatabase(stack.databaseUrl);
    return { url, drop: () => dropDatabase(url) };
  };
  return { stack, servers: { database, brokers: stack.brokers } };
}
