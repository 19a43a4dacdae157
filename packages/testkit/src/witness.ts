/**
 * What the server itself says was committed: two slots beside the relay's, of the same publications, read by SQL. Neither
 * the relay nor any decoder of ours has a part in it.
 * https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html
 */
import { formatLsnSortable, type Lsn, parseLsn } from '@diptych/wal/lsn';

/** A committed transaction that both panels have to hold. */
export interface Witnessed {
  readonly xid: number;
  readonly commitLsn: Lsn;
  /** Rows that were inserted into outbox tables, and outbox messages. */
  readonly events: number;
  /** Row changes of published tables; a truncate counts once for each of its tables. */
  readonly changes: number;
}

export interface WitnessOptions {
  readonly query: (text: string, values: unknown[]) => Promise<readonly unknown[]>;
  /** Of the relay; the witness's slots are named after it. */
  readonly slot: string;
  readonly publications: { readonly outbox: string; readonly change: string };
}

interface WitnessSlot {
  readonly name: string;
  readonly publication: string;
  /** Of messages that count. */
  readonly kinds: readonly string[];
  readonly panel: 'events' | 'changes';
}

interface Row {
  readonly xid: string;
  readonly commit_lsn: string;
  readonly counted: string;
}

/**
 * Each message's first byte is its kind. `B`egin carries the LSN of the commit record in the next eight; a `M`essage has
 * flags and position before its prefix, `T`runcate the number of its relations.
 */
const counts = `
  with messages as (
    select xid, chr(get_byte(data, 0)) as kind, data
    from pg_logical_slot_get_binary_changes($1, null, null, 'proto_version', '1', 'publication_names', $2, 'messages', $3)
  )
  select xid::text,
    (select format('%s/%s', upper(ltrim(encode(substring(begun.data from 2 for 4), 'hex'), '0')),
        upper(ltrim(encode(substring(begun.data from 6 for 4), 'hex'), '0')))
      from messages begun where begun.xid = messages.xid and begun.kind = 'B') as commit_lsn,
    sum(case
      when kind = any($4::text[]) then 1
      when kind = 'T' and 'T' = any($4::text[]) then get_byte(data, 4)
      when kind = 'M' and 'M' = any($4::text[]) then
        (position(convert_to('diptych.outbox:', 'UTF8') in data) = 11)::int
      else 0 end) as counted
  from messages group by xid`;

export class Witness {
  readonly #options: WitnessOptions;
  readonly #seen = new Map<string, Witnessed>();

  private constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** From now on. Throws what the database throws: no slot may be left. */
  static async take(options: WitnessOptions): Promise<Witness> {
    const witness = new Witness(options);
    for (const slot of witness.#slots)
      await options.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot.name]);
    return witness;
  }

  /** Everything that was committed since the witness was taken, and published something, in commit order. */
  async committed(): Promise<readonly Witnessed[]> {
    for (const { name, publication, kinds, panel } of this.#slots) {
      const values = [name, publication, String(kinds.includes('M')), kinds];
      for (const row of (await this.#options.query(counts, values)) as readonly Row[]) {
        const commitLsn = parseLsn(zeroPadded(row.commit_lsn));
        const key = formatLsnSortable(commitLsn);
        const before = this.#seen.get(key) ?? { xid: Number(row.xid), commitLsn, events: 0, changes: 0 };
        this.#seen.set(key, { ...before, [panel]: before[panel] + Number(row.counted) });
      }
    }
    return [...this.#seen]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([, witnessed]) => witnessed)
      .filter(({ events, changes }) => events + changes > 0);
  }

  /** Gives the slots back: one that nobody reads keeps WAL for ever. */
  async dismiss(): Promise<void> {
    for (const { name } of this.#slots)
      await this.#options.query('select pg_drop_replication_slot($1)', [name]);
  }

  get #slots(): readonly WitnessSlot[] {
    const { slot, publications } = this.#options;
    return [
      { name: `${slot}_meant`, publication: publications.outbox, kinds: ['I', 'M'], panel: 'events' },
      {
        name: `${slot}_done`,
        publication: publications.change,
        kinds: ['I', 'U', 'D', 'T'],
        panel: 'changes',
      },
    ] as const;
  }
}

/** Either half may have been zeros alone. */
const zeroPadded = (text: string): string =>
  text
    .split('/')
    .map((half) => half || '0')
    .join('/');
