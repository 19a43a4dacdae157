/** One schedule: the plan's writes and faults happen, then everything works again and has to come to rest. */
import { AssertionError, unreachable } from '@diptych/runtime/assert';
import { formatLsn, lsnZero } from '@diptych/wal/lsn';
import { Kafka } from './kafka.ts';
import type { Mutant } from './mutants.ts';
import type { Fault, Plan, Write } from './plan.ts';
import { Postgres } from './postgres.ts';
import { Promises } from './promises.ts';
import { Relay } from './relay.ts';
import { type Breach, type Coverage, World } from './world.ts';

export interface ScheduleResult {
  readonly breach: Breach | null;
  readonly coverage: Coverage;
  /** Model time until rest. */
  readonly modelMs: number;
  readonly trace: readonly string[];
}

/**
 * After the last fault: the longest request on its way (2.5 s), the publish timeout (2.5 s), the transaction's (1.8 s),
 * the slot's (1.2 s) and the idle checkpoint (0.8 s) one after another, twice.
 */
const restWithinMs = 18_000;
const restCheckIntervalMs = 60;
/** WAL of others after the last fault: the slot has to pass it. */
const lastBytes = 700;

export function runSchedule(
  plan: Plan,
  { rules, traced }: { rules: Mutant; traced: boolean },
): ScheduleResult {
  const schedule = new Schedule(plan, { rules, traced });
  return schedule.run();
}

class Schedule {
  readonly #world: World;
  readonly #promises: Promises;
  readonly #postgres: Postgres;
  readonly #kafka: Kafka;
  readonly #relays: readonly Relay[];
  #atRest = false;

  constructor(plan: Plan, { rules, traced }: { rules: Mutant; traced: boolean }) {
    const world = new World(plan, { traced });
    this.#world = world;
    this.#promises = new Promises(world);
    this.#postgres = new Postgres(world, this.#promises);
    this.#kafka = new Kafka(world, { promises: this.#promises, wal: this.#postgres.wal });
    const parts = { world, postgres: this.#postgres, kafka: this.#kafka, rules };
    this.#relays = Array.from(
      { length: plan.relays },
      (_, index) => new Relay({ ...parts, name: `relay ${index}` }),
    );
    // As `diptych init`: no transaction is published yet, not even one that begins where the slot begins.
    this.#kafka.writeFirstCheckpoint({ lsn: lsnZero, part: null, reportedLsn: this.#postgres.confirmed });
    for (const relay of this.#relays) world.agenda.after(world.random.between(0, 50), () => relay.start());
    for (const write of plan.writes) world.agenda.at(write.atMs, () => this.#write(write));
    for (const fault of plan.faults) world.agenda.at(fault.atMs, () => this.#strike(fault));
    world.agenda.at(plan.calmAtMs, () => this.#calm());
  }

  run(): ScheduleResult {
    const { agenda, coverage, trace } = this.#world;
    try {
      while (!this.#atRest && !this.#world.breach && agenda.advance());
    } catch (error) {
      if (!(error instanceof AssertionError)) throw error;
      this.#world.broken('no-assertion-fails', { expected: 'none', got: error.message });
    }
    coverage.commands = this.#kafka.asked;
    coverage.transactions = this.#postgres.wal.transactions.length;
    return { breach: this.#world.breach, coverage, modelMs: agenda.nowMs, trace: trace ?? [] };
  }

  #write(write: Write): void {
    if (write.tag === 'command') this.#kafka.ask();
    else this.#postgres.write(write);
  }

  #strike(fault: Fault): void {
    this.#world.say(() => `fault: ${fault.tag}`);
    switch (fault.tag) {
      case 'relay-killed':
        return this.#relays[fault.relay]?.kill(fault.downMs);
      case 'relay-hung':
        return this.#relays[fault.relay]?.hang(fault.forMs);
      case 'relay-cut-off':
        return this.#relays[fault.relay]?.cutOff(fault.forMs);
      case 'relay-stopped':
        return this.#relays[fault.relay]?.stop(fault.downMs);
      case 'postgres-crashed':
        return this.#postgres.crash(fault.downMs);
      case 'postgres-restarted':
        return this.#postgres.restart(fault.downMs);
      case 'slot-saved':
        return this.#postgres.saveSlot();
      case 'walsender-killed':
        return this.#postgres.killWalSender();
      case 'connection-cut':
        return this.#postgres.cutConnection(fault);
      case 'kafka-away':
        return this.#kafka.goAway(fault.forMs);
      case 'leader-elected':
        return this.#kafka.elect(fault);
      default:
        return unreachable(fault);
    }
  }

  #calm(): void {
    const { agenda, nowMs } = this.#world;
    this.#world.calm = true;
    this.#world.say(() => 'calm: no fault from here on');
    this.#kafka.comeBack();
    this.#postgres.comeBack();
    this.#postgres.write({ tag: 'unsent', atMs: nowMs, bytes: lastBytes });
    for (const relay of this.#relays) relay.calm();
    agenda.after(restCheckIntervalMs, () => this.#lookForRest());
  }

  #lookForRest(): void {
    const { wal, confirmed } = this.#postgres;
    const complete = this.#promises.isComplete(wal, this.#kafka.asked);
    if (complete && confirmed >= wal.end && this.#kafka.isSettled && this.#world.underWay === 0) {
      this.#atRest = true;
      return this.#promises.compare(wal, this.#kafka.readRecords(), this.#kafka.asked);
    }
    if (this.#world.nowMs < this.#world.plan.calmAtMs + restWithinMs) {
      return this.#world.agenda.after(restCheckIntervalMs, () => this.#lookForRest());
    }
    // What is amiss with the records says more than that there is no rest.
    if (complete) this.#promises.compare(wal, this.#kafka.readRecords(), this.#kafka.asked);
    this.#world.broken(complete ? 'slot-advances-on-idle-wal' : 'progress', {
      expected: complete ? `the slot at ${formatLsn(wal.end)}` : 'every transaction and command in Kafka',
      got: `${formatLsn(confirmed)} ${restWithinMs} ms after the last fault`,
    });
  }
}
