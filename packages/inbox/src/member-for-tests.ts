/** A member of a group as a process of its own, to be killed and frozen. Its settings are the environment's. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Lifecycle } from '@diptych/runtime/lifecycle';
import { noteInbox, notePool, writeEffect } from './inbox-for-tests.ts';

const { DATABASE_URL = '', BROKERS = '', GROUP = '', TOPIC = '', NAME = '', HOLD_MS = '0' } = process.env;

const lifecycle = new Lifecycle();
const pool = notePool(`${DATABASE_URL}?application_name=${NAME}`);
const inbox = noteInbox({
  ...{ pool, brokers: BROKERS.split(','), group: GROUP, topics: [TOPIC] },
  // Nothing but the position keeps an effect from being there twice.
  consumer: null,
  handlers: {
    Noted: async ({ aggregateId, payload: { n } }, tx) => {
      await writeEffect(tx, { key: aggregateId, n, by: NAME });
      if (HOLD_MS !== '0') await sleep(Number(HOLD_MS));
    },
  },
  // The least that a broker allows unless it is told otherwise.
  sessionTimeoutMs: 6_000,
  limits: { idleMsMax: 3_000 },
});
await lifecycle.untilStopped();
await inbox.stop();
await pool.end();
