import { expect, test } from 'vitest';
import { csv } from './csv.ts';

test('a cell that a spreadsheet would obey is text, a number stays one, and quotes are doubled', () => {
  expect(csv([['=1+1', '+1', '-2+3', '@SUM(A1)', '\t=1', ' =1', '＝1']])).toBe(
    `"'=1+1","'+1","'-2+3","'@SUM(A1)","'\t=1","' =1","'＝1"\r\n`,
  );
  expect(csv([[-1.5, 'a "b"\nc', null, true, 7n]])).toBe(`"-1.5","a ""b""\nc","","true","7"\r\n`);
});
