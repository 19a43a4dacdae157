/** One aggregate through time: what the events say it is, what the rows say it is, and why. */
import type { TimelineItem } from '@diptych/compare/console-api';
import type { AggregateAnswer, AggregateMoment, AggregateVerdict } from '@diptych/compare/console-reports';
import { useEffect, useState } from 'preact/hooks';
import { go, parameter, replaceParameters, transactionHref } from '../address.ts';
import { Answered } from '../answered.tsx';
import { useAnswer } from '../ask.ts';
import { clock, counted, day } from '../figures.ts';
import { Link } from '../link.tsx';
import { listen } from '../live.ts';
import { Pair } from '../timeline/pair.tsx';
import { unprovenWords } from '../wording.ts';
import { FactTable } from './fact-table.tsx';
import { Slider } from './slider.tsx';
import { Why } from './why.tsx';

interface Props {
  readonly aggregateType: string;
  readonly id: string;
}

export function AggregatePage({ aggregateType, id }: Props) {
  const [again, setAgain] = useState(0);
  const before = parameter('before');
  const query = before === undefined ? '' : `?before=${encodeURIComponent(before)}`;
  const path = `/api/aggregates/${encodeURIComponent(aggregateType)}/${encodeURIComponent(id)}${query}`;
  const asked = useAnswer<AggregateAnswer>(path, again);
  useEffect(() => {
    const reload = (): void => setAgain((times) => times + 1);
    const filter = { aggregate: `${aggregateType}:${id}` };
    // On opening, too: what came between the answer and the stream is in neither.
    return listen({
      filter,
      after: null,
      onOpen: reload,
      onTransactions: reload,
      onUpdates: reload,
      onGap: reload,
    });
  }, [aggregateType, id]);
  return (
    <section class="aggregate">
      <Answered asked={asked}>{(answer) => <Life answer={answer} />}</Answered>
    </section>
  );
}

function Life({ answer }: { readonly answer: AggregateAnswer }) {
  const { aggregateType, id, moments, verdict, hasOlder } = answer;
  const at = parameter('at');
  const found = moments.findIndex(({ position }) => position === at);
  const index = found === -1 ? moments.length - 1 : found;
  const moment = moments[index];
  const turn = (to: number): void => replaceParameters({ at: moments[to]?.position });
  return (
    <>
      <header class="title">
        <h1>
          <small>{aggregateType}</small> {id}
        </h1>
        <Verdict verdict={verdict} />
        {hasOlder && (
          <Link class="quiet" href={`?before=${encodeURIComponent(moments[0]?.position ?? '')}`}>
            Earlier ones
          </Link>
        )}
      </header>
      {moment !== undefined && (
        <>
          <Slider moments={moments} index={index} onTurn={turn} />
          <State moment={moment} place={{ index, count: moments.length }} />
          <Why moment={moment} aggregateType={aggregateType} />
          <History moments={moments} index={index} onTurn={turn} />
        </>
      )}
    </>
  );
}

function Verdict({ verdict }: { readonly verdict: AggregateVerdict }) {
  switch (verdict.tag) {
    case 'agreed':
      return <p class="verdict is-agreed">Both panels agree</p>;
    case 'drifted':
      return (
        <p class="verdict is-drifted">
          Drifted since{' '}
          <Link href={`?at=${encodeURIComponent(verdict.since.position)}`}>
            {day(verdict.since.commitTime)}, {clock(verdict.since.commitTime)}
          </Link>
        </p>
      );
    case 'unproven':
      return <p class="verdict">Unproven: {unprovenWords[verdict.reason]}</p>;
    case 'unmapped':
      return <p class="verdict">No mapping says how its state is folded</p>;
  }
}

function State({
  moment,
  place,
}: {
  readonly moment: AggregateMoment;
  readonly place: { index: number; count: number };
}) {
  const { facts, item } = moment;
  const differing = facts?.filter(({ differs }) => differs).length ?? 0;
  return (
    <section aria-label="State">
      <p class="moment">
        <b>
          {place.index + 1} of {place.count}
        </b>
        <span>
          {day(item.commitTime)}, {clock(item.commitTime)}
        </span>
        <Link class="which" href={transactionHref(moment.position)}>
          xid {item.xid} at {item.commitLsn}
        </Link>
        <span role="status" class={differing > 0 ? 'flag' : 'same'}>
          {facts === null
            ? ''
            : differing > 0
              ? `${counted(differing, 'fact')} differ${differing === 1 ? 's' : ''}`
              : 'no difference'}
        </span>
      </p>
      {facts === null ? (
        <p class="nothing">Its state is not folded: see “audit.mappings”. Its history is below.</p>
      ) : (
        <FactTable facts={facts} exists={moment.exists} caption="State right after this transaction" />
      )}
    </section>
  );
}

interface HistoryProps {
  readonly moments: readonly AggregateMoment[];
  readonly index: number;
  readonly onTurn: (index: number) => void;
}

function History({ moments, index, onTurn }: HistoryProps) {
  const turnTo = (item: TimelineItem): void => {
    const to = moments.findIndex(({ position }) => position === item.position);
    if (to === index) go(transactionHref(item.position));
    else onTurn(to);
  };
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <div class="diptych static">
        {moments.map((moment, at) => (
          <div
            key={moment.position}
            class={`moment-row${at === index ? ' is-now' : at > index ? ' is-later' : ''}`}
          >
            <Pair item={moment.item} onOpen={turnTo} isOpen={at === index} />
          </div>
        ))}
      </div>
    </section>
  );
}
