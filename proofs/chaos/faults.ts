/** What goes wrong, and how often: four hands that break relays, links and servers, each by its own draw of the seed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryMode } from '@diptych/delivery/protocol';
import { unreachable } from '@diptych/runtime/assert';
import type { FaultProxy } from '@diptych/testkit/fault-proxy';
import { endTransaction, produce } from '@diptych/testkit/kafka-frames';
import type { RelayProcess } from '@diptych/testkit/relay-process';
import type { Control } from '@diptych/testkit/server';
import pg from 'pg';
import type { Random } from '../simulate/random.ts';
import { Deck } from './deck.ts';

/** How often each was done. */
export interface FaultCounts {
  kills: number;
  /** Kills of the relay that held the slot at the last look. */
  killsOfTheActive: number;
  terminations: number;
  zombies: number;
  walSenderTerminations: number;
  walSenderKills: number;
  brokerKills: number;
  postgresStops: number;
  postgresKills: number;
  cuts: number;
  slowLinks: number;
  heldLinks: number;
  lostAnswers: number;
}

/** The kinds that have not been done yet. */
export const neverDone = (counts: FaultCounts): string[] =>
  Object.entries(counts).flatMap(([kind, count]) => (count === 0 ? [kind] : []));

/** Of the relays' links. */
const linkFaults = [
  ['cut', 3],
  ['lose-answer', 2],
  ['slow', 2],
  ['hold', 1],
  ['terminate-walsender', 2],
] as const;

const serverFaults = [
  ['kill-broker', 2],
  ['stop-postgres', 1],
  ['kill-postgres', 1],
  ['kill-walsender', 1],
] as const;

const walSenderLookMs = 100;
const walSenderLooksMax = 50;

export interface Field {
  readonly relays: readonly RelayProcess[];
  readonly postgres: Control;
  readonly kafka: Control;
  readonly databaseUrl: string;
  readonly slot: string;
  readonly links: { readonly postgres: FaultProxy; readonly kafka: FaultProxy };
  readonly mode: DeliveryMode;
}

export class Faults {
  readonly counts: FaultCounts = {
    kills: 0,
    killsOfTheActive: 0,
    terminations: 0,
    zombies: 0,
    walSenderTerminations: 0,
    walSenderKills: 0,
    brokerKills: 0,
    postgresStops: 0,
    postgresKills: 0,
    cuts: 0,
    slowLinks: 0,
    heldLinks: 0,
    lostAnswers: 0,
  };
  readonly #field: Field;
  readonly #frozen = new Set<RelayProcess>();
  readonly #failed = new AbortController();
  readonly #over: AbortSignal;

  constructor(field: Field, { over }: { over: AbortSignal }) {
    this.#field = field;
    this.#over = AbortSignal.any([over, this.#failed.signal]);
  }

  /**
   * Until `over`; everything works again then: servers up, links whole, relays thawed and running. When one hand fails
   * (a server does not come up again), all end and its error is thrown.
   */
  async run(random: { relays: Random; zombies: Random; links: Random; servers: Random }): Promise<void> {
    const hands = [
      this.#breakRelays(random.relays),
      this.#freezeRelays(random.zombies),
      this.#breakLinks(random.links),
      this.#breakServers(random.servers),
    ];
    for (const hand of hands) hand.catch(() => this.#failed.abort());
    const ends = await Promise.allSettled(hands);
    for (const relay of this.#field.relays) if (!relay.running) relay.start();
    const failure = ends.find((end) => end.status === 'rejected');
    if (failure) throw failure.reason;
  }

  /** False when it is over. */
  async #wait(ms: number): Promise<boolean> {
    await sleep(ms, undefined, { signal: this.#over }).catch(() => {});
    return !this.#over.aborted;
  }

  async #breakRelays(random: Random): Promise<void> {
    let mayDieInItsStart = true;
    while (await this.#wait(random.whole(100, 1000))) {
      this.#revive();
      const active = await this.#active();
      // Killed in its start only now and then, and once until one publishes again: where nobody does nothing is proved.
      if (!active && !(mayDieInItsStart && random.chance(0.2))) continue;
      const relay = this.#choose(random, active);
      if (!relay) continue;
      mayDieInItsStart = active !== undefined;
      if (random.chance(0.1)) {
        await relay.stop();
        this.counts.terminations += 1;
      } else {
        await relay.kill();
        this.counts.kills += 1;
        if (relay === active) this.counts.killsOfTheActive += 1;
      }
      await sleep(random.whole(0, 300));
      relay.start();
    }
  }

  /** One that ended by itself is started again, as whoever runs it would. */
  #revive(): void {
    for (const relay of this.#field.relays) if (!relay.running && !this.#frozen.has(relay)) relay.start();
  }

  /** Three of four times the one that holds the slot, when there is one and it is not frozen. */
  #choose(random: Random, active: RelayProcess | undefined): RelayProcess | undefined {
    const { relays } = this.#field;
    const either = relays[random.whole(0, relays.length - 1)];
    const chosen = active && random.chance(0.75) ? active : either;
    return chosen && !this.#frozen.has(chosen) ? chosen : undefined;
  }

  async #active(): Promise<RelayProcess | undefined> {
    const roles = await Promise.all(
      this.#field.relays.map(async (relay) => ({ relay, status: await relay.status() })),
    );
    return roles.find(({ status }) => status?.role === 'active')?.relay;
  }

  /** Longer than the server waits for a hung relay: it wakes as a zombie that believes it holds the slot. */
  async #freezeRelays(random: Random): Promise<void> {
    while (await this.#wait(random.whole(8000, 16_000))) {
      const relay = await this.#active();
      if (!relay) continue;
      this.#frozen.add(relay);
      relay.freeze();
      this.counts.zombies += 1;
      await this.#wait(random.whole(3500, 7000));
      relay.thaw();
      await sleep(random.whole(300, 1000));
      this.#frozen.delete(relay);
    }
  }

  async #breakLinks(random: Random): Promise<void> {
    const { links, mode } = this.#field;
    // What a relay waits for when it has published: the answer to its commit, or to its records.
    const request = mode === 'exactly-once' ? endTransaction : produce;
    const deck = new Deck(random, linkFaults);
    while (await this.#wait(random.whole(500, 4000))) {
      const link = random.chance(0.5) ? links.kafka : links.postgres;
      const fault = deck.draw();
      switch (fault) {
        case 'cut':
          link.cut();
          this.counts.cuts += 1;
          break;
        case 'lose-answer':
          if (await links.kafka.loseAnswer(request, { timeoutMs: 2000 })) this.counts.lostAnswers += 1;
          break;
        case 'slow':
          link.slow(random.whole(5, 150));
          this.counts.slowLinks += 1;
          await this.#wait(random.whole(500, 3000));
          link.slow(0);
          break;
        case 'hold':
          link.hold();
          this.counts.heldLinks += 1;
          await this.#wait(random.whole(500, 4000));
          link.release();
          break;
        case 'terminate-walsender':
          this.counts.walSenderTerminations += await this.#atWalSender('pg_terminate_backend(active_pid)');
          break;
        default:
          unreachable(fault);
      }
    }
  }

  /** Evaluates an expression over the slot that is in use; answers how many there were, none when Postgres is down. */
  async #atWalSender(expression: string, then: (pid: number) => void = () => {}): Promise<number> {
    const { databaseUrl, slot } = this.#field;
    const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ pid: number }>(
        `select active_pid as pid, ${expression} from pg_replication_slots where slot_name = $1 and active`,
        [slot],
      );
      for (const { pid } of rows) then(pid);
      return rows.length;
    } catch {
      return 0;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** Relays come and go: where none has the slot, the next one is waited for, a while. */
  async #killWalSender(): Promise<number> {
    for (let looks = 0; looks < walSenderLooksMax && (await this.#wait(walSenderLookMs)); looks += 1) {
      const killed = await this.#atWalSender('true', (pid) => process.kill(pid, 'SIGKILL'));
      if (killed > 0) return killed;
    }
    return 0;
  }

  async #breakServers(random: Random): Promise<void> {
    const { kafka, postgres } = this.#field;
    const deck = new Deck(random, serverFaults);
    while (await this.#wait(random.whole(8000, 16_000))) {
      const fault = deck.draw();
      switch (fault) {
        case 'kill-broker':
          await kafka.kill();
          this.counts.brokerKills += 1;
          await sleep(random.whole(0, 1500));
          await kafka.start();
          break;
        case 'stop-postgres':
          await postgres.stopImmediately();
          this.counts.postgresStops += 1;
          await sleep(random.whole(0, 1500));
          await postgres.start();
          break;
        case 'kill-postgres':
          await postgres.kill();
          this.counts.postgresKills += 1;
          await sleep(random.whole(0, 1500));
          await postgres.start();
          break;
        case 'kill-walsender':
          // The server ends all its sessions then and recovers by itself, as after any backend that died.
          this.counts.walSenderKills += await this.#killWalSender();
          break;
        default:
          unreachable(fault);
      }
    }
  }
}
