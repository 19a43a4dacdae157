import type { PriceReport } from './price.ts';

/** The report for people: a table, its surroundings and its method. */
export function priceLines({ ways, settings, otherWalBytesPerSecond, method }: PriceReport): string[] {
  const [plain] = ways;
  const columns = ['way', 'transactions', 'WAL bytes', 'to plain', 'commit p50 ms', 'p99 ms', 'table bytes'];
  const rows = ways.map(
    ({ way, transactions, walBytesPerTransaction, commitMs, tableBytesPerTransaction }) => [
      way,
      String(transactions),
      String(walBytesPerTransaction),
      `+${walBytesPerTransaction - (plain?.walBytesPerTransaction ?? 0)}`.replace('+-', '-'),
      commitMs.p50.toFixed(2),
      commitMs.p99.toFixed(2),
      String(tableBytesPerTransaction),
    ],
  );
  const widths = columns.map((column, place) =>
    Math.max(column.length, ...rows.map((row) => row[place]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, place) => (place === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[place] ?? 0)))
      .join('   ');
  return [
    line(columns),
    ...rows.map(line),
    '',
    'bytes are of one transaction, on average',
    `others wrote ${otherWalBytesPerSecond} bytes of WAL a second before it began`,
    Object.entries(settings)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
    ...method,
  ];
}
