import pg, { type ClientBase } from 'pg';
import { type Generation, schemaOf } from './generations.ts';

/**
 * What a generation shows, in one word: two are equal when they show the same rows, in whatever order they were written.
 * It reads all of them.
 */
export async function fingerprint(
  database: Pick<ClientBase, 'query'>,
  generation: Pick<Generation, 'projection' | 'generation' | 'shows'>,
): Promise<string> {
  const parts: string[] = [];
  for (const name of generation.shows.toSorted()) {
    const table = `${pg.escapeIdentifier(schemaOf(generation))}.${pg.escapeIdentifier(name)}`;
    const { rows } = await database.query<{ rows: string; hash: string }>(
      // A jsonb, because its text is the same for the same row.
      `select count(*) as rows, md5(coalesce(string_agg(row, E'\\n' order by row collate "C"), '')) as hash
       from (select to_jsonb(shown)::text as row from ${table} shown) rows`,
    );
    parts.push(`${name} ${rows[0]?.rows} ${rows[0]?.hash}`);
  }
  return parts.join(', ');
}
