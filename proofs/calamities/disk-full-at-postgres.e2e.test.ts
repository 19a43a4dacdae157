/**
 * Proves that a Postgres whose disk is full – it cannot write WAL and shuts down – costs nothing but time: the relay waits
 * without ending, and goes on by itself once there is room. What was committed arrives, once; what was not, does not.
 */
import { chmod, chown, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RelayUnderTest } from '@diptych/relay-app/relay-under-test';
import { poll } from '@diptych/runtime/poll';
import { serverIdentity } from '@diptych/testkit/embedded-postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type OwnPostgres, startOwnPostgres } from './own-postgres-for-tests.ts';
import { createShop, expectAllOnce, keepWriting, publishesAgain } from './shop-for-tests.ts';
import { SmallDisk } from './small-disk-for-tests.ts';

const mebibyte = 1024 * 1024;
/** Of the WAL: a new cluster takes some 20 segments of 1 MiB, and nothing is removed before `max_wal_size`. */
const diskBytes = 48 * mebibyte;
const fillingRow = `insert into carts (id, note) select coalesce(min(id), 0) - 1,
  (select string_agg(md5(random()::text), '') from generate_series(1, 16000)) from carts where id <= 0`;

let disk: SmallDisk;
let postgres: OwnPostgres;
let shop: RelayUnderTest;
beforeEach(async () => {
  disk = await SmallDisk.create({ bytes: diskBytes });
  const user = await serverIdentity();
  if (user.tag === 'found' && user.identity)
    await chown(disk.directory, user.identity.uid, user.identity.gid);
  await chmod(dirname(disk.directory), 0o711);
  postgres = await startOwnPostgres({
    initdbArguments: [
      `--waldir=${disk.directory}`,
      '--wal-segsize=1',
      '-c',
      'max_wal_size=2GB',
      '-c',
      'fsync=off',
    ],
  });
  shop = await createShop({}, postgres.servers);
  await shop.initialise();
});
afterEach(async () => {
  // A server that stayed down fails the first, and must not keep its disk.
  await Promise.allSettled([shop.close()]);
  await postgres.remove();
  await disk.remove();
});

/** Where no file system can be mounted the server is kept from making the next segment: it fails in the same place. */
async function closeDisk(): Promise<void> {
  if (disk.kind === 'file-size-limit') await chmod(disk.directory, 0o500);
}

async function makeRoom(): Promise<void> {
  if (disk.kind === 'file-size-limit') await chmod(disk.directory, 0o700);
  else await disk.enlarge({ bytes: 1024 * mebibyte });
}

test('a Postgres that shuts down because its disk is full costs nothing but time', {
  timeout: 240_000,
}, async () => {
  const running = shop.start();
  await shop.active(running);
  const load = keepWriting(shop.configuration.database.url);
  await publishesAgain(running.board);
  await closeDisk();
  let isWriting = true;
  const fill = async () => {
    if (postgres.control.pid === undefined) return true;
    // Once it has failed, recovery fails for the same reason, and the server gives up.
    if (isWriting)
      isWriting = await shop.sql.query(fillingRow).then(
        () => true,
        () => false,
      );
    return undefined;
  };
  await poll(fill, { what: 'the server has no room and shuts down', timeoutMs: 120_000, intervalMs: 10 });
  expect(await readFile(postgres.logFile, 'utf8')).toMatch(
    /PANIC: .*(No space left on device|Permission denied)/,
  );
  await poll(() => (running.board.lastError ? true : undefined), {
    what: 'the relay notices',
    timeoutMs: 60_000,
  });
  await makeRoom();
  await postgres.control.start();
  await publishesAgain(running.board);
  const committed = await load.stop();
  await shop.reconnect();
  await shop.caughtUp({ timeoutMs: 90_000 });
  await running.stop();
  await expectAllOnce(shop, committed);
});
