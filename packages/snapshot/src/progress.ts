/** How far the reading of a table is, for people. */
export interface ReadingProgress {
  readonly rows: number;
  /** What the server's statistics say the table has; null when they say nothing. */
  readonly estimatedRows: number | null;
  /** 0 to 100, of the estimate; never 100 before the end. */
  readonly percent: number | null;
  readonly rowsPerSecond: number;
  readonly secondsLeft: number | null;
}

/** `rowsBefore`: read before this session, which says nothing of its rate. */
export function readingProgress({
  rows,
  rowsBefore,
  estimatedRows,
  elapsedMs,
}: {
  rows: number;
  rowsBefore: number;
  estimatedRows: number | null;
  elapsedMs: number;
}): ReadingProgress {
  const rowsPerSecond = elapsedMs > 0 ? Math.round(((rows - rowsBefore) * 1000) / elapsedMs) : 0;
  if (estimatedRows === null || estimatedRows <= 0)
    return { rows, estimatedRows: null, percent: null, rowsPerSecond, secondsLeft: null };
  const left = Math.max(0, estimatedRows - rows);
  return {
    ...{ rows, estimatedRows, rowsPerSecond },
    percent: Math.min(99, Math.floor((rows * 100) / estimatedRows)),
    secondsLeft: rowsPerSecond > 0 ? Math.ceil(left / rowsPerSecond) : null,
  };
}
