import type { Export } from '@diptych/compare/console-reports';

export type Exported = Export extends `${infer What}.${string}` ? What : never;

interface Props {
  readonly what: Exported;
  readonly query?: string;
}

/** The same as a file to save. */
export function ExportLinks({ what, query = '' }: Props) {
  return (
    <span class="export">
      <a href={`/api/export/${what}.csv${query}`} download={`${what}.csv`} aria-label={`Save ${what} as CSV`}>
        CSV
      </a>
      <a
        href={`/api/export/${what}.json${query}`}
        download={`${what}.json`}
        aria-label={`Save ${what} as JSON`}
      >
        JSON
      </a>
    </span>
  );
}
