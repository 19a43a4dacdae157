/**
 * What people ask of the relay that is no part of the stream: each command is one released record, and the word that it
 * is done. The relay learns at its start which of them are open, and hears of later ones as they come.
 */
import type { Event } from '@diptych/delivery/protocol';
import type { RecordId } from './wal.ts';

/** Below zero: those of the write-ahead log are not. */
export const releasedRecord = (command: number): RecordId => -(2 * command + 1);
export const wordRecord = (command: number): RecordId => -(2 * command + 2);

export const isOfCommand = (record: RecordId): boolean => record < 0;
/** The word vouches for the released record: without transactions it is sent when that is acknowledged. */
export const isWord = (record: RecordId): boolean => record < 0 && record % 2 === 0;
export const commandOf = (record: RecordId): number => Math.ceil(-record / 2) - 1;

const commandBytes = 10;

/** The commands as one session sees them. */
export class Commands {
  readonly #asked: () => number;
  /** Not to be executed by this session any more. */
  #settled = new Set<number>();

  /** `asked`: how many there are by now. */
  constructor(asked: () => number) {
    this.#asked = asked;
  }

  /** What the topic said when the session began. */
  begin(done: ReadonlySet<number>): void {
    this.#settled = new Set(done);
  }

  /** The next command that is open, as the event that offers it; it is not offered again. */
  next(): Extract<Event<RecordId>, { tag: 'standalone-offered' }> | null {
    for (let command = 0; command < this.#asked(); command += 1) {
      if (this.#settled.has(command)) continue;
      this.#settled.add(command);
      const records = [releasedRecord(command), wordRecord(command)];
      return { tag: 'standalone-offered', bytes: commandBytes, records };
    }
    return null;
  }
}
