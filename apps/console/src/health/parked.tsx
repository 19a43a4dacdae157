/** Records that were set aside, and the way back for them. */
import type { ParkedAnswer, ParkedEntry, ReleaseAnswer } from '@diptych/compare/console-health';
import { useState } from 'preact/hooks';
import { refusalOf, tell, useAnswer } from '../ask.ts';
import { bytes, clock, counted, day } from '../figures.ts';

export function Parked({ again }: { readonly again: number | null | undefined }) {
  const [times, setTimes] = useState(0);
  const [said, setSaid] = useState('');
  const asked = useAnswer<ParkedAnswer>('/api/parked', `${again ?? ''} ${times}`);
  const release = async ({ id }: ParkedEntry) => {
    setSaid('Releasing …');
    try {
      const { released, remains } = await tell<ReleaseAnswer>(
        `/api/parked/${encodeURIComponent(id)}/release`,
      );
      setSaid(
        remains === null
          ? `${counted(released.length, 'record')} released`
          : `${remains.reason}. ${remains.remedy}`,
      );
    } catch (error) {
      setSaid(refusalOf(error).message);
    }
    setTimes((before) => before + 1);
  };
  if (asked.tag !== 'answered') return null;
  const { parked, count } = asked.answer;
  return (
    <section aria-labelledby="parked">
      <h2 id="parked">Parked</h2>
      <p role="status" class="note">
        {said}
      </p>
      {count === 0 ? (
        <p class="nothing">Nothing is set aside.</p>
      ) : (
        <ul class="cards">
          {parked.map((entry) => (
            <li key={entry.id} class="card">
              <h3>{entry.reason}</h3>
              <p>
                {entry.topic ?? 'no topic'}, key {entry.key ?? 'none'}, {bytes(entry.bytes)}, committed{' '}
                {day(entry.committedAt)}, {clock(entry.committedAt)}
              </p>
              {entry.detail !== null && <p class="note">{entry.detail}</p>}
              <button type="button" disabled={!entry.releasable} onClick={() => void release(entry)}>
                {entry.releasable ? 'Release' : 'Follows the first of its key'}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
