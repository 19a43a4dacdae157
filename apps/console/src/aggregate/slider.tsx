/** One slider through the moments of both panels. */
import type { AggregateMoment } from '@diptych/compare/console-reports';
import { clock } from '../figures.ts';

interface Props {
  readonly moments: readonly AggregateMoment[];
  readonly index: number;
  readonly onTurn: (index: number) => void;
}

export function Slider({ moments, index, onTurn }: Props) {
  const last = moments.length - 1;
  const item = moments[index]?.item;
  return (
    <div class="slider">
      <button
        type="button"
        class="quiet"
        disabled={index === 0}
        onClick={() => onTurn(index - 1)}
        aria-label="Earlier"
      >
        ‹
      </button>
      <div class="track">
        <div class="ticks" aria-hidden="true">
          {moments.map(({ position, facts, item: { leak, drifts } }, at) => {
            const differs = facts?.some((fact) => fact.differs) ?? false;
            const kind = leak ? ' is-leak' : drifts.length > 0 ? ' is-drift' : differs ? ' is-apart' : '';
            const left = last === 0 ? 50 : (100 * at) / last;
            return (
              <i
                key={position}
                class={`tick${kind}${at <= index ? ' is-past' : ''}`}
                style={{ left: `${left}%` }}
              />
            );
          })}
        </div>
        <input
          type="range"
          min={0}
          max={last}
          value={index}
          onInput={(event) => onTurn(Number(event.currentTarget.value))}
          aria-label="Moment"
          aria-valuetext={
            item && `${index + 1} of ${moments.length}, ${clock(item.commitTime)}, xid ${item.xid}`
          }
        />
      </div>
      <button
        type="button"
        class="quiet"
        disabled={index === last}
        onClick={() => onTurn(index + 1)}
        aria-label="Later"
      >
        ›
      </button>
    </div>
  );
}
