/** CSV that a spreadsheet opens without obeying it. https://www.rfc-editor.org/rfc/rfc4180 */

/**
 * A cell that begins so is a formula to a spreadsheet; an apostrophe before it makes it text.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
const formula = /^[\s]*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;
const plainNumber = /^-?\d+(\.\d+)?$/;

export type Value = string | number | boolean | bigint | null;
export type Table = readonly (readonly Value[])[];

/** Lines of quoted cells, each line ended by CRLF; null is an empty cell. */
export function csv(table: Table): string {
  return table.map((row) => `${row.map(cellOf).join(',')}\r\n`).join('');
}

function cellOf(value: Value): string {
  const text = value === null ? '' : String(value);
  const safe = formula.test(text) && !plainNumber.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
