/** Whether anybody answers, and how far the comparison is. */
import { duration } from './figures.ts';
import { connection, engineState } from './live.ts';

export function Standing() {
  const state = engineState.value;
  const { tag, words } = standing();
  const behind = tag === 'open' && state !== null && state.lagMs !== null ? duration(state.lagMs) : null;
  return (
    <div class={`standing is-${tag}`} title={state?.trouble?.remedy}>
      <i aria-hidden="true" />
      <span role="status">{words}</span>
      {/* It changes each second: nothing to be read out. */}
      {behind !== null && <span class="behind">{behind} behind</span>}
    </div>
  );
}

function standing(): { tag: 'open' | 'away' | 'waiting' | 'trouble'; words: string } {
  const state = engineState.value;
  if (connection.value === 'away') return { tag: 'away', words: 'Connection lost, trying again' };
  if (connection.value === 'connecting' || state === null) return { tag: 'waiting', words: 'Connecting' };
  if (state.trouble !== null) return { tag: 'trouble', words: state.trouble.message };
  if (state.blockedBy !== null) return { tag: 'trouble', words: `Held back by xid ${state.blockedBy.xid}` };
  if (!state.caughtUp) return { tag: 'waiting', words: 'Catching up' };
  return { tag: 'open', words: 'Live' };
}
