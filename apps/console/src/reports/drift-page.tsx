/** Where the two states of an aggregate part. */
import type { DriftAnswer, DriftedAggregate } from '@diptych/compare/console-reports';
import { aggregateHref, transactionHref } from '../address.ts';
import { FactTable } from '../aggregate/fact-table.tsx';
import { Answered } from '../answered.tsx';
import { useAnswer } from '../ask.ts';
import { clock, count, day } from '../figures.ts';
import { Link } from '../link.tsx';
import { unprovenWords } from '../wording.ts';
import { Bar } from './bar.tsx';
import { useRefreshed } from './refreshed.ts';
import { ReportHead } from './report-head.tsx';

type OfType = DriftAnswer['types'][number];

/** Each is a table: more of them are a matter of the export. */
const shownMax = 50;

export function DriftPage() {
  const asked = useAnswer<DriftAnswer>('/api/drift', useRefreshed());
  return (
    <section class="sheet">
      <ReportHead title="Drift" asked={asked} what="drift">
        Aggregates whose state folded from events and state folded from rows part at a transaction, and never
        meet again.
      </ReportHead>
      <Answered asked={asked}>
        {({ types }) => (
          <>
            {types.map((ofType) => (
              <Type key={ofType.aggregateType} ofType={ofType} />
            ))}
            {types.length === 0 && <p class="nothing">No aggregate has a mapping.</p>}
          </>
        )}
      </Answered>
    </section>
  );
}

function Type({ ofType }: { readonly ofType: OfType }) {
  const { aggregateType, agreed, driftedCount, unprovenCount, drifted, unproven } = ofType;
  return (
    <section aria-label={aggregateType}>
      <h2>{aggregateType}</h2>
      <Bar
        parts={[
          { value: agreed, kind: 'meant' },
          { value: driftedCount, kind: 'drift' },
          { value: unprovenCount, kind: 'none' },
        ]}
      />
      <div class="tiles">
        <Tile value={agreed} words="agree" />
        <Tile value={driftedCount} words="drifted" kind={driftedCount > 0 ? 'drift' : undefined} />
        <Tile value={unprovenCount} words="unproven" />
      </div>
      {drifted.length === 0 && agreed > 0 && <p class="nothing">Both panels build the same state.</p>}
      <ul class="cards">
        {drifted.slice(0, shownMax).map((drift) => (
          <Drifted key={drift.id} drift={drift} />
        ))}
      </ul>
      {driftedCount > shownMax && <p class="note">The first {shownMax}; all are in the export.</p>}
      {unproven.length > 0 && (
        <details>
          <summary>Unproven: about these nothing can be said</summary>
          <ul class="examples">
            {unproven.slice(0, 200).map((name) => (
              <li key={name.id}>
                <Link href={aggregateHref(name)}>
                  {name.aggregateType} {name.id}
                </Link>
                : {unprovenWords[name.reason]}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function Drifted({ drift }: { readonly drift: DriftedAggregate }) {
  const { aggregateType, id, since, facts } = drift;
  const differing = facts.filter(({ differs }) => differs);
  return (
    <li class="card is-drift">
      <h3>
        <Link href={aggregateHref(drift, since.position)}>
          {aggregateType} {id}
        </Link>
      </h3>
      <p>
        Since {day(since.commitTime)}, {clock(since.commitTime)},{' '}
        <Link class="which" href={transactionHref(since.position)}>
          xid {since.xid} at {since.commitLsn}
        </Link>
      </p>
      <FactTable facts={differing} caption={`On what both sides of ${aggregateType} ${id} disagree`} />
    </li>
  );
}

function Tile({
  value,
  words,
  kind,
}: {
  readonly value: number;
  readonly words: string;
  readonly kind?: string | undefined;
}) {
  return (
    <p class={`tile${kind === undefined ? '' : ` is-${kind}`}`}>
      <b class="figure">{count(value)}</b>
      <span>{words}</span>
    </p>
  );
}
