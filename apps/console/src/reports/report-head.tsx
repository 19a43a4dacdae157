import type { Horizon } from '@diptych/compare/console-reports';
import type { ComponentChildren } from 'preact';
import type { Asked } from '../ask.ts';
import { type Exported, ExportLinks } from '../export-links.tsx';
import { clock, day } from '../figures.ts';

interface Props {
  readonly title: string;
  readonly asked: Asked<Horizon>;
  readonly what: Exported;
  readonly children: ComponentChildren;
}

/** What a report is about, and up to where it speaks. */
export function ReportHead({ title, asked, what, children }: Props) {
  const horizon = asked.tag === 'answered' ? asked.answer.horizon : null;
  return (
    <header class="report-head">
      <div>
        <h1>{title}</h1>
        <ExportLinks what={what} />
      </div>
      <p class="lead">{children}</p>
      {horizon !== null && (
        <p class="note">
          Up to xid {horizon.xid} at {horizon.commitLsn}, {day(horizon.commitTime)},{' '}
          {clock(horizon.commitTime)}.
        </p>
      )}
    </header>
  );
}
