import { expect, test } from 'vitest';
import { nextChunkRows } from './chunk-size.ts';
import { readingProgress } from './progress.ts';

test('chunks grow step by step to their limit of rows, and never beyond what fits', () => {
  const limits = { rowsMax: 2000, bytesMax: 1_000_000 };
  expect(nextChunkRows(limits, null)).toBe(256);
  expect(nextChunkRows(limits, { rows: 256, bytes: 25_600 })).toBe(1024);
  expect(nextChunkRows(limits, { rows: 1024, bytes: 102_400 })).toBe(2000);
  expect(nextChunkRows(limits, { rows: 2000, bytes: 20_000_000 })).toBe(100);
  expect(nextChunkRows(limits, { rows: 1, bytes: 50_000_000 })).toBe(1);
  expect(nextChunkRows({ rowsMax: 10, bytesMax: 1 }, null)).toBe(10);
});

test('progress is told of what is known: rows always, the rest only with an estimate', () => {
  expect(readingProgress({ rows: 500, rowsBefore: 0, estimatedRows: null, elapsedMs: 1000 })).toEqual({
    ...{ rows: 500, estimatedRows: null, percent: null, rowsPerSecond: 500, secondsLeft: null },
  });
  expect(readingProgress({ rows: 500, rowsBefore: 100, estimatedRows: 900, elapsedMs: 2000 })).toMatchObject({
    ...{ percent: 55, rowsPerSecond: 200, secondsLeft: 2 },
  });
  expect(readingProgress({ rows: 950, rowsBefore: 0, estimatedRows: 900, elapsedMs: 1000 }).percent).toBe(99);
});
