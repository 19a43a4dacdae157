/** What the doctor says: of each check what is right, what is wrong, and the statement that mends it. */
import type { KafkaChange } from '@diptych/kafka/operator-client';

/** One step of the way out, in the words that an operator types. */
export type Remedy =
  /** In the captured database; those of the server have to be run by a superuser. */
  | { readonly tag: 'sql'; readonly statement: string; readonly caution: string | null }
  /** Kafka's own tool; `change` is the same for `--fix`. */
  | {
      readonly tag: 'kafka';
      readonly statement: string;
      readonly change: KafkaChange;
      readonly caution: string | null;
    }
  /** A setting of the relay, as its environment variable. */
  | { readonly tag: 'setting'; readonly statement: string }
  /** A command of ours. */
  | { readonly tag: 'diptych'; readonly statement: string }
  /** What no statement does: a restart, an upgrade. */
  | { readonly tag: 'act'; readonly statement: string };

interface Said {
  /** Which check says so: one of the list in docs/doctor.md. */
  readonly check: string;
  /** What it is about: a table, a topic, a setting; null when the check is about one thing only. */
  readonly object: string | null;
  readonly message: string;
}

export type Finding =
  | (Said & { readonly tag: 'ok' })
  /** It works, and something is at risk. */
  | (Said & { readonly tag: 'warning'; readonly remedies: readonly Remedy[] })
  /** It does not work, or loses something. */
  | (Said & { readonly tag: 'wrong'; readonly remedies: readonly Remedy[] })
  /** The check could not look; the remedy lets it. */
  | (Said & { readonly tag: 'unseen'; readonly remedies: readonly Remedy[] });

/** What a check says of one object. */
export interface Complaint {
  readonly tag: 'warning' | 'wrong' | 'unseen';
  readonly object?: string;
  readonly message: string;
  readonly remedies: readonly Remedy[];
}

/** The findings of one check: its complaints, or that all is well. */
export function findings(check: string, complaints: readonly Complaint[], allIsWell: string): Finding[] {
  if (complaints.length === 0) return [{ tag: 'ok', check, object: null, message: allIsWell }];
  return complaints.map(({ object = null, ...complaint }) => ({ check, object, ...complaint }));
}

/** SQL that `--fix` runs, or, with a caution, leaves to a person: it loses something, or keeps others waiting. */
export const sql = (statement: string, caution: string | null = null): Remedy => ({
  tag: 'sql',
  statement,
  caution,
});

export const act = (statement: string): Remedy => ({ tag: 'act', statement });
export const command = (statement: string): Remedy => ({ tag: 'diptych', statement });
export const setting = (variable: string, value: string | number): Remedy => ({
  tag: 'setting',
  statement: `${variable}=${value}`,
});

const reload = sql('select pg_reload_conf()');

/** A setting of the server, which it takes on at once. */
export const serverSetting = (name: string, value: string): Remedy[] => [
  sql(`alter system set ${name} = '${value}'`),
  reload,
];

/** A setting of the server that waits for its restart; the reload shows that it waits (`pg_settings.pending_restart`). */
export const settingAtRestart = (name: string, value: string | number): Remedy[] => [
  ...serverSetting(name, String(value)),
  restart(name),
];

export const restart = (name: string): Remedy =>
  act(`Restart the server: ${name} is taken on at its start only.`);

/** `1.5 GB`, as Postgres's settings take it. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const amount = bytes / 1024 ** power;
  return `${Number.isInteger(amount) ? amount : amount.toFixed(1)} ${units[power]}`;
}
