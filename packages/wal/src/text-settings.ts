/** Text forms must not depend on the server's or the role's settings, and must be the same wherever a row is read. */
export const textSettings = {
  datestyle: 'ISO',
  intervalstyle: 'iso_8601',
  timezone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  lc_monetary: 'C',
} as const;

/** As a connection's `options`. https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNECT-OPTIONS */
export function settingsOption(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}
