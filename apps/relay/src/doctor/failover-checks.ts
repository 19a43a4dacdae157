/** docs/failover.md */
import { type FailoverGap, failoverGaps } from '@diptych/wal/failover';
import { act, type Complaint, command, findings, type Remedy, serverSetting } from './finding.ts';
import type { ServerFacts } from './server.ts';
import type { Check } from './subject.ts';

export const failoverCheck: Check<ServerFacts> = ({ failover, slot }, { configuration }) => {
  const gaps = configuration.failover && slot ? failoverGaps(failover) : [];
  const complaints = gaps.map(
    (gap): Complaint => ({
      tag: 'warning',
      object: `${gap.on} ${gap.setting}`,
      message: gap.message,
      remedies: remediesOf(gap, { standbys: failover.physicalSlots.map(({ name }) => name) }),
    }),
  );
  return findings('failover', complaints, 'nothing is missing for the slot to survive a failover');
};

function remediesOf(
  { on, setting, remedy }: FailoverGap,
  { standbys }: { standbys: readonly string[] },
): Remedy[] {
  if (on === 'slot') return [act('Stop the relay.'), command('diptych init')];
  const isUnnamed = setting === 'synchronized_standby_slots' && remedy.includes('alter system');
  return isUnnamed && standbys.length > 0
    ? serverSetting('synchronized_standby_slots', standbys.join(', '))
    : [act(remedy)];
}
