/** What the configuration wants of the publications, and who sees to it: docs/decisions/0029-publications-kept-in-step.md. */
import { OperatingError } from '@diptych/runtime/failure';
import type { Logger } from '@diptych/runtime/log';
import type { Catalogue } from '@diptych/wal/catalogue';
import { formatLsn } from '@diptych/wal/lsn';
import { inspectPublications, type Publication, qualifiedName } from '@diptych/wal/publication';
import {
  bringInStep,
  driftOf,
  isInStep,
  type Operation,
  type Upkeep,
  unfitStatements,
  type WantedPublication,
  withoutPartitions,
} from '@diptych/wal/publication-upkeep';
import { identityStatements, listTables, type Table, unusableParts } from '@diptych/wal/table';
import type { Board } from './board.ts';
import { type Configuration, isBusinessTable } from './configuration.ts';
import { outboxTables } from './outboxes.ts';

/** A table that the configuration wants and no publication has. */
export interface Unpublished {
  readonly table: string;
  readonly reason: string;
  readonly remedy: string;
}

interface Wanted extends WantedPublication {
  readonly tables: readonly Table[];
  /** What it has to send. */
  readonly operations: readonly Operation[];
}

/** Whether the configuration has a table, `schema.table`, in the publication. */
export function isWanted(configuration: Configuration, publication: string, table: string): boolean {
  return publication === configuration.outbox.publication
    ? outboxTables(configuration).includes(table)
    : isBusinessTable(table, configuration.change);
}

/** Whether the publication shows partitions as their root: an outbox speaks as one table. */
export const wantsRoots = (
  { outbox, change }: Pick<Configuration, 'outbox' | 'change'>,
  publication: string,
): boolean => publication === outbox.publication || change.partitions === 'root';

/** Both, of the tables that there are. Throws OperatingError. */
export async function wantedPublications(
  catalogue: Catalogue,
  configuration: Configuration,
): Promise<{ readonly outbox: Wanted; readonly change: Wanted }> {
  const { outbox, change } = configuration;
  const tables = await listTables(catalogue);
  const wanted = (name: string, operations: readonly Operation[]): Wanted => ({
    ...{ name, operations, viaRoot: wantsRoots(configuration, name) },
    tables: tables.filter((table) => isWanted(configuration, name, qualifiedName(table))),
  });
  const truncates = change.truncates ?? change.compat !== 'debezium';
  return {
    outbox: wanted(outbox.publication, ['insert']),
    change: wanted(change.publication, [
      'insert',
      'update',
      'delete',
      ...(truncates ? ['truncate' as const] : []),
    ]),
  };
}

/** Makes those that do not exist, where that is the relay's matter. Throws OperatingError. */
export async function createMissing(catalogue: Catalogue, configuration: Configuration): Promise<void> {
  if (configuration.publication === 'given') return;
  const { outbox, change } = await wantedPublications(catalogue, configuration);
  const found = await inspectPublications(catalogue, [outbox.name, change.name]);
  for (const wanted of [outbox, change]) {
    const tables = wanted.tables.filter((table) => unusableParts(table, wanted).length === 0);
    if (!found.some(({ name }) => name === wanted.name))
      await bringInStep(catalogue.databaseUrl, { ...wanted, tables }, { mayTakeOut: false });
  }
}

/**
 * Publications that somebody else keeps (`publication: given`), as they have to be. Throws OperatingError
 * `publication-lost` and `publication-unsuitable`, with the statements that mend it.
 */
export async function requireFitting(catalogue: Catalogue, configuration: Configuration): Promise<void> {
  const unfit = await unfitPublications(catalogue, configuration);
  if (unfit.length === 0) return;
  const names = unfit.map(({ name }) => name).join(' and ');
  const isMissing = unfit.some(({ found }) => found === undefined);
  throw new OperatingError(
    isMissing ? 'publication-lost' : 'publication-unsuitable',
    isMissing
      ? `publication ${names} does not exist`
      : `publication ${names} is not as the configuration has it`,
    {
      remedy:
        `Its owner runs ${unfit.flatMap(({ statements }) => statements.map((one) => `\`${one}\``)).join(', ')}; or name in ` +
        'change.include and change.exclude what it has' +
        (isMissing ? '. Of a relay that has run, `diptych run --accept-gap` goes on from there.' : '.'),
    },
  );
}

async function unfitPublications(catalogue: Catalogue, configuration: Configuration) {
  const { outbox, change } = await wantedPublications(catalogue, configuration);
  const found = await inspectPublications(catalogue, [outbox.name, change.name]);
  return [outbox, change].flatMap((wanted) => {
    const publication = found.find(({ name }) => name === wanted.name);
    const statements = unfitStatements(publication, wanted, wanted.operations);
    return statements.length > 0 ? [{ name: wanted.name, found: publication, statements }] : [];
  });
}

export interface UpkeepOptions {
  readonly configuration: Configuration;
  readonly catalogue: Catalogue;
  readonly board: Pick<Board, 'unpublished'>;
  readonly log: Logger;
}

/** The publications of one session, which holds the slot: nobody else changes them meanwhile, but to add tables. */
export class PublicationUpkeep {
  readonly #options: UpkeepOptions;
  /** Asked for once in a session: the answer would be the same. */
  readonly #refused = new Map<string, Unpublished>();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /**
   * Brings them in step with the configuration; answers whether anything was done. When a session begins (`isStart`), tables
   * that the configuration no longer has are taken out, and partitions placed anew; later, tables that came are added.
   * `isDivided`: a transaction is published in part. Throws OperatingError.
   */
  async run(
    found: readonly Publication[],
    { isStart, isDivided }: { readonly isStart: boolean; readonly isDivided: boolean },
  ): Promise<boolean> {
    const { configuration, catalogue } = this.#options;
    if (configuration.publication === 'given') {
      if (!isStart) this.#say((await unfitPublications(catalogue, configuration)).map(unfitText));
      return false;
    }
    const { outbox, change } = await wantedPublications(catalogue, configuration);
    const said: Unpublished[] = [];
    let isChanged = false;
    for (const wanted of [outbox, this.#withoutUnusable(change, { found, said })]) {
      const publication = found.find(({ name }) => name === wanted.name);
      const drift = publication && driftOf(publication, wanted);
      if (!drift || isInStep(drift)) continue;
      if (isStart && isDivided && drift.viaRoot !== null) throw dividedTransaction(wanted.name);
      const isDue = withoutPartitions(drift.missing, isStart ? null : drift.viaRoot).some(
        (table) => !this.#refused.has(qualifiedName(table)),
      );
      if (!isStart && !isDue) continue;
      const done = await bringInStep(catalogue.databaseUrl, wanted, { mayTakeOut: isStart });
      this.#tell(wanted.name, done);
      isChanged = true;
    }
    this.#say([...said, ...this.#refused.values()]);
    return isChanged;
  }

  /** A table whose UPDATE could not be published: in the publication, the application's own statement would fail. */
  #withoutUnusable(
    change: Wanted,
    { found, said }: { found: readonly Publication[]; said: Unpublished[] },
  ): Wanted {
    const members = found.find(({ name }) => name === change.name)?.members ?? [];
    const tables = change.tables.filter((table) => {
      const parts = unusableParts(table, change);
      const isMember = members.some(({ schema, name }) => schema === table.schema && name === table.name);
      if (parts.length === 0 || isMember) return true;
      said.push({
        table: qualifiedName(table),
        reason: 'it has no usable replica identity',
        remedy: `Add a primary key, or run ${identityStatements(parts)}, or leave it out with DIPTYCH_CHANGE_EXCLUDE.`,
      });
      return false;
    });
    return { ...change, tables };
  }

  #tell(publication: string, { added, removed, viaRoot, refused, position }: Upkeep): void {
    for (const { table, failure } of refused) {
      const { message: reason, remedy } = failure;
      // A lock that was not to be had is tried for again.
      if (failure.retry !== 'timed')
        this.#refused.set(qualifiedName(table), { table: qualifiedName(table), reason, remedy });
    }
    if (added.length + removed.length === 0 && viaRoot === null) return;
    const names = { added: added.map(qualifiedName), removed: removed.map(qualifiedName) };
    this.#options.log.info(
      { publication, ...names, ...(viaRoot === null ? {} : { viaRoot }), lsn: formatLsn(position) },
      'the publication follows the configuration; what was written to an added table before is not in the stream, `diptych snapshot` reads it',
    );
  }

  /** Each once, as long as it lasts. */
  #say(unpublished: readonly Unpublished[]): void {
    const { board, log } = this.#options;
    for (const one of unpublished)
      if (!board.unpublished.some(({ table, reason }) => table === one.table && reason === one.reason))
        log.warn(one, 'a table is not published');
    board.unpublished = unpublished;
  }
}

const unfitText = ({ name, statements }: { name: string; statements: readonly string[] }): Unpublished => ({
  table: `(publication ${name})`,
  reason: 'it is not as the configuration has it',
  remedy: `Its owner runs ${statements.map((one) => `\`${one}\``).join(', ')}.`,
});

const dividedTransaction = (publication: string): OperatingError =>
  new OperatingError(
    'options-changed',
    `a transaction is published in part, and ${publication} is to show partitions otherwise`,
    {
      remedy: 'Set change.partitions back as it was until the relay has passed that transaction.',
    },
  );
