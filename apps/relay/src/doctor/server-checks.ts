/** https://www.postgresql.org/docs/18/runtime-config-replication.html */

import type { Catalogue } from '@diptych/wal/catalogue';
import { failoverCheck } from './failover-checks.ts';
import {
  act,
  bytesText,
  type Complaint,
  command,
  findings,
  restart,
  serverSetting,
  settingAtRestart,
  sql,
} from './finding.ts';
import { readServer, type ServerFacts } from './server.ts';
import type { Check, Subject } from './subject.ts';

const oldestVersion = 150_000;

/** From these on no change of a transaction is missed that had written to a table before it was published (release notes). */
const repaired = [150_013, 160_009, 170_005];

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** What is kept for a slot at least: an outage of an hour at 3 MB/s. */
const keptMinBytes = 10 * gibibyte;

/** WAL that a slot without a reader keeps before it is worth a word. */
const abandonedBytes = 16 * mebibyte;

/** A timeout under a minute ends sessions of ours that are asked every 10 s, on a bad day later. */
const sessionTimeoutMinMs = 60_000;

const settingOf = ({ settings }: ServerFacts, name: string): string | null =>
  settings.get(name)?.value ?? null;

const version: Check<ServerFacts> = ({ version: found, isStandby }) => {
  const complaints: Complaint[] = [];
  const words = `PostgreSQL ${Math.floor(found / 10_000)}.${found % 10_000}`;
  if (found < oldestVersion)
    complaints.push({
      ...{ tag: 'wrong', message: `${words} is too old` },
      remedies: [act('Upgrade to PostgreSQL 15 or newer; tested is 18.')],
    });
  else if (
    repaired.some((minor) => found < minor && Math.floor(found / 10_000) === Math.floor(minor / 10_000))
  )
    complaints.push({
      tag: 'warning',
      message: `${words} may miss changes of transactions that had written to a table before it was published`,
      remedies: [act('Upgrade to its newest minor version.')],
    });
  if (isStandby)
    complaints.push({
      ...{ tag: 'wrong', message: 'the server is a standby: nothing is streamed from it' },
      remedies: [act('Name the primary in DIPTYCH_DATABASE_URL, or all servers with commas between.')],
    });
  return findings('server-version', complaints, `${words}, the primary`);
};

const walLevel: Check<ServerFacts> = ({ settings }) => {
  const found = settings.get('wal_level');
  const complaints: Complaint[] = [];
  if (found?.value !== 'logical')
    complaints.push({
      tag: 'wrong',
      message: `wal_level is ${found?.value}: nothing can be decoded${found?.isPending ? '; another value waits for a restart' : ''}`,
      remedies: found?.isPending ? [restart('wal_level')] : settingAtRestart('wal_level', 'logical'),
    });
  return findings('wal-level', complaints, 'wal_level is logical');
};

/** One for the slot; and one to read tables with, while it is made. */
const slotsLeft: Check<ServerFacts> = (facts) => {
  const max = Number(settingOf(facts, 'max_replication_slots'));
  const left = max - facts.slots;
  const complaints: Complaint[] = [];
  if (left < 1)
    complaints.push({
      tag: facts.slot ? 'warning' : 'wrong',
      message: `all ${max} replication slots are taken${facts.slot ? ', ours is one of them' : ': ours cannot be made'}`,
      remedies: facts.settings.get('max_replication_slots')?.isPending
        ? [restart('max_replication_slots')]
        : settingAtRestart('max_replication_slots', max + 5),
    });
  return findings('replication-slots', complaints, `${left} of ${max} replication slots are left`);
};

/** A relay that takes over needs one while that of the dead one is still there. */
const sendersLeft: Check<ServerFacts> = (facts) => {
  const max = Number(settingOf(facts, 'max_wal_senders'));
  const left = max - facts.walSenders;
  const needed = facts.slot?.active ? 1 : 2;
  const complaints: Complaint[] = [];
  if (left < needed)
    complaints.push({
      tag: left < 1 && !facts.slot?.active ? 'wrong' : 'warning',
      message: `${left} of ${max} WAL senders are left; a relay and the one that takes over need ${needed}`,
      remedies: facts.settings.get('max_wal_senders')?.isPending
        ? [restart('max_wal_senders')]
        : settingAtRestart('max_wal_senders', max + 5),
    });
  return findings('wal-senders', complaints, `${left} of ${max} WAL senders are left`);
};

const walKept: Check<ServerFacts> = (facts) => {
  const kept = Number(settingOf(facts, 'max_slot_wal_keep_size'));
  const wanted = Math.max(keptMinBytes, 10 * Number(settingOf(facts, 'max_wal_size')) * mebibyte);
  const remedies = serverSetting('max_slot_wal_keep_size', bytesText(wanted).replace(' ', ''));
  const complaints: Complaint[] = [];
  if (kept < 0)
    complaints.push({
      ...{ tag: 'warning', remedies },
      message:
        'max_slot_wal_keep_size is unlimited: a slot that nobody reads fills the disk. With a limit it is lost instead, and said',
    });
  else if (kept * mebibyte < keptMinBytes)
    complaints.push({
      ...{ tag: 'warning', remedies },
      message: `max_slot_wal_keep_size is ${bytesText(kept * mebibyte)}: an outage that writes more loses the slot`,
    });
  return findings(
    'max-slot-wal-keep-size',
    complaints,
    `a slot keeps up to ${bytesText(kept * mebibyte)} of WAL`,
  );
};

const senderTimeout: Check<ServerFacts> = (facts, { configuration }) => {
  const complaints: Complaint[] = [];
  if (settingOf(facts, 'wal_sender_timeout') === '0')
    complaints.push({
      tag: 'warning',
      message:
        'wal_sender_timeout is 0: a standby that hangs keeps its slot for ever, and the relay waits for it where synchronized_standby_slots names it',
      remedies: serverSetting('wal_sender_timeout', '60s'),
    });
  const own = configuration.timing.walSenderTimeoutMs;
  return findings('wal-sender-timeout', complaints, `the relay’s session sets its own, ${own} ms`);
};

const timeouts = [
  'idle_session_timeout',
  'idle_in_transaction_session_timeout',
  'statement_timeout',
  'transaction_timeout',
];

const sessionTimeouts: Check<ServerFacts> = (facts) => {
  const short = timeouts.filter((name) => {
    const limitMs = Number(settingOf(facts, name) ?? 0);
    return limitMs > 0 && limitMs < sessionTimeoutMinMs;
  });
  const complaints = short.map(
    (name): Complaint => ({
      ...{ tag: 'warning', object: name },
      message: `${name} ends sessions of the relay after ${settingOf(facts, name)} ms, also one that reads a table`,
      remedies: [sql(`alter role ${facts.role} set ${name} = 0`)],
    }),
  );
  return findings('session-timeouts', complaints, 'no timeout ends the relay’s sessions');
};

const durability: Check<ServerFacts> = (facts) => {
  const complaints: Complaint[] = [];
  if (settingOf(facts, 'fsync') === 'off')
    complaints.push({
      tag: 'wrong',
      message: 'fsync is off: after a crash Kafka may have what the database never had',
      remedies: serverSetting('fsync', 'on'),
    });
  return findings('fsync', complaints, 'what is committed is on disk');
};

const slot: Check<ServerFacts> = ({ slot: found, settings }, { configuration }) => {
  const complaints: Complaint[] = [];
  const name = configuration.slot;
  const idleTimeout = Number(settings.get('idle_replication_slot_timeout')?.value ?? 0);
  if (!found)
    complaints.push({
      ...{ tag: 'warning', object: name, message: 'there is no slot: nothing is kept for the relay' },
      remedies: [command('diptych init')],
    });
  else if (found.walStatus === 'lost')
    complaints.push({
      ...{ tag: 'wrong', object: name },
      message: `the slot is lost (${found.invalidationReason ?? 'WAL removed'}): what was written since is not in Kafka`,
      remedies: [command('diptych init --from-slot'), command('diptych snapshot --table <schema.table>')],
    });
  else if (found.walStatus === 'unreserved')
    complaints.push({
      ...{ tag: 'wrong', object: name },
      message: 'the slot is about to be lost: its WAL is beyond max_slot_wal_keep_size',
      remedies: [...serverSetting('max_slot_wal_keep_size', '-1'), command('diptych run')],
    });
  else if (!found.active && Number(found.lagBytes) > gibibyte)
    complaints.push({
      ...{ tag: 'warning', object: name },
      message: `nobody reads the slot, and ${bytesText(Number(found.lagBytes))} wait in it`,
      remedies: [command('diptych run')],
    });
  if (idleTimeout > 0)
    complaints.push({
      ...{ tag: 'warning', object: 'idle_replication_slot_timeout' },
      message: 'idle_replication_slot_timeout invalidates the slot while no relay runs for so long',
      remedies: serverSetting('idle_replication_slot_timeout', '0'),
    });
  return findings('slot', complaints, `slot ${name} has its WAL`);
};

const otherSlots: Check<ServerFacts> = ({ otherSlots: others }) =>
  findings(
    'other-slots',
    others
      .filter(({ active, keptBytes }) => !active && keptBytes > abandonedBytes)
      .map(({ name, quoted, keptBytes }) => ({
        ...{ tag: 'warning', object: name },
        message: `nobody reads the slot ${name}, and the server keeps ${bytesText(keptBytes)} of WAL for it`,
        remedies: [sql(`select pg_drop_replication_slot(${quoted})`, 'whoever reads it has to begin anew')],
      })),
    'no slot of others holds WAL that nobody reads',
  );

const serverChecks: readonly Check<ServerFacts>[] = [
  version,
  walLevel,
  slotsLeft,
  sendersLeft,
  walKept,
  senderTimeout,
  sessionTimeouts,
  durability,
  slot,
  otherSlots,
];

export const serverSubject: Subject<Catalogue, ServerFacts> = {
  ...{ name: 'server', read: readServer },
  checks: [...serverChecks, failoverCheck],
};
