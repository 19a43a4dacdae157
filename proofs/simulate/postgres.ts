/**
 * The modelled server: one slot, one holder, positions that are saved lazily and lost back in a crash.
 * https://www.postgresql.org/docs/18/logicaldecoding-explanation.html#LOGICALDECODING-REPLICATION-SLOTS
 */
import { formatLsn, type Lsn } from '@diptych/wal/lsn';
import type { Write } from './plan.ts';
import type { Promises } from './promises.ts';
import type { ReplicationLink } from './replication-link.ts';
import { Wal } from './wal.ts';
import { WalSender } from './wal-sender.ts';
import type { World } from './world.ts';

export type Grant = 'granted' | 'slot-held' | 'server-down';

/** What concerns the server. */
type ServerWrite = Exclude<Write, { tag: 'command' }>;

/** How often a confirmation happens to make the server save the slot (its restart position moved). */
const savesChance = 0.2;

export class Postgres {
  readonly wal = new Wal();
  readonly #world: World;
  readonly #promises: Promises;
  /** `confirmed_flush_lsn`, as the catalogue shows it. */
  confirmed: Lsn = this.wal.end;
  #saved: Lsn = this.wal.end;
  #downUntilMs = 0;
  #holder: WalSender | null = null;

  constructor(world: World, promises: Promises) {
    this.#world = world;
    this.#promises = promises;
  }

  get isDown(): boolean {
    return this.#world.nowMs < this.#downUntilMs;
  }

  get isSlotHeld(): boolean {
    return this.#holder !== null;
  }

  /** `active_pid` is that of this connection's walsender. */
  isSlotHeldBy(link: ReplicationLink): boolean {
    return this.#holder?.serves(link) ?? false;
  }

  /** An application commits as soon as the server is there. */
  write(write: ServerWrite): void {
    if (this.isDown) return this.#world.agenda.at(this.#downUntilMs, () => this.write(write));
    this.wal.append(write);
    this.#world.say(() => `postgres: ${describeWrite(write)}, WAL ends at ${formatLsn(this.wal.end)}`);
    this.#holder?.wake();
  }

  /** START_REPLICATION SLOT … LOGICAL 0/0. */
  startReplication(link: ReplicationLink): Grant {
    if (this.isDown) return 'server-down';
    if (this.#holder) {
      this.#world.coverage.slotHeld += 1;
      return 'slot-held';
    }
    this.#holder = new WalSender(this.#world, {
      wal: this.wal,
      link,
      startAt: this.confirmed,
      confirm: (flushed) => this.#confirm(flushed),
      onEnd: (sender) => {
        if (this.#holder === sender) this.#holder = null;
      },
    });
    this.#world.say(() => `postgres: slot granted, starts at ${formatLsn(this.confirmed)}`);
    return 'granted';
  }

  #confirm(flushed: Lsn): void {
    // Servers before 17 take any position, also one that lies back.
    this.#promises.confirmed({ before: this.confirmed, flushed, wal: this.wal });
    if (flushed === this.confirmed) return;
    this.confirmed = flushed;
    if (this.#world.random.chance(savesChance)) this.#saved = flushed;
  }

  saveSlot(): void {
    this.#world.coverage.slotSaves += 1;
    this.#saved = this.confirmed;
  }

  killWalSender(): void {
    if (this.#holder) this.#world.coverage.walSenderKills += 1;
    this.#holder?.end('killed');
  }

  cutConnection(notices: { clientNoticesMs: number; serverNoticesMs: number }): void {
    if (this.#holder) this.#world.coverage.connectionCuts += 1;
    this.#holder?.cut(notices);
  }

  /** Immediate stop or power loss: what was confirmed since the slot was saved is forgotten. */
  crash(downMs: number): void {
    this.#world.coverage.crashes += 1;
    if (this.#saved !== this.confirmed) this.#world.coverage.slotFallbacks += 1;
    this.confirmed = this.#saved;
    this.#goDown(downMs);
  }

  /** A fast shutdown saves the slot. */
  restart(downMs: number): void {
    this.#world.coverage.cleanRestarts += 1;
    this.#saved = this.confirmed;
    this.#goDown(downMs);
  }

  #goDown(downMs: number): void {
    this.#holder?.end('server-down');
    this.#holder = null;
    this.#downUntilMs = Math.max(this.#downUntilMs, this.#world.nowMs + downMs);
  }

  comeBack(): void {
    this.#downUntilMs = Math.min(this.#downUntilMs, this.#world.nowMs);
  }
}

const describeWrite = (write: ServerWrite): string =>
  write.tag === 'unsent' ? `${write.bytes} bytes of others` : `commit of ${write.changes.length} changes`;
