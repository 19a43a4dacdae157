import { lsn, parseLsn } from '@diptych/wal/lsn';
import { expect, test } from 'vitest';
import { accept, describeGap, gapOf, isGapCode, type Known } from './gap.ts';

const at = (text: string) => parseLsn(text);

const known: Known = {
  checkpoint: { reportedLsn: at('16/A0') },
  slot: { confirmedFlushLsn: at('16/B0') },
  walEnd: at('16/C0'),
};

test.each([
  ['publication-lost', '16/A0', '16/C0'],
  ['publication-changed', '16/A0', '16/C0'],
  ['slot-lost', '16/A0', '16/C0'],
  ['slot-missing', '16/A0', '16/C0'],
  ['slot-moved-or-recreated', '16/A0', '16/B0'],
] as const)('%s names what is missing: from the checkpoint at %s to %s', (code, from, to) => {
  expect(gapOf(code, known)).toEqual({ from: at(from), to: at(to) });
});

test('without a checkpoint a lost slot still says where it stood, and nobody else invents a beginning', () => {
  const unknown = { ...known, checkpoint: null };
  expect(gapOf('slot-lost', unknown)).toEqual({ from: at('16/B0'), to: at('16/C0') });
  expect(gapOf('checkpoint-missing', unknown)).toEqual({ from: null, to: at('16/B0') });
  expect(gapOf('slot-missing', unknown)).toBeNull();
});

test('what is no matter of missing changes has no gap', () => {
  expect(isGapCode('options-changed')).toBe(false);
  expect(isGapCode('slot-lost')).toBe(true);
});

test('an accepted gap says from where to where, why, when and who', () => {
  const gap = accept({ from: lsn(16n), to: lsn(32n) }, { reason: 'publication-lost', detail: 'gone' });
  expect(gap).toMatchObject({
    tag: 'gap',
    from: '0/10',
    to: '0/20',
    reason: 'publication-lost',
    detail: 'gone',
  });
  expect(gap.acceptedBy).toMatch(/^.+@.+$/);
  expect(new Date(gap.acceptedAt).getTime()).toBeGreaterThan(0);
  expect(describeGap({ from: lsn(16n), to: lsn(32n) })).toContain('from 0/10 to 0/20');
});
