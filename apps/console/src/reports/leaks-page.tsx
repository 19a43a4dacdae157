/** Which writes carry no event, by their shape. */
import type { LeaksAnswer, NamedTransaction } from '@diptych/compare/console-reports';
import type { LeakShapeOf } from '@diptych/compare/leak-report';
import { transactionHref } from '../address.ts';
import { Answered } from '../answered.tsx';
import { useAnswer } from '../ask.ts';
import { clock, count, counted, day, percent } from '../figures.ts';
import { Link } from '../link.tsx';
import { spoken, tableWords, writerWords } from '../wording.ts';
import { Bar } from './bar.tsx';
import { useRefreshed } from './refreshed.ts';
import { ReportHead } from './report-head.tsx';
import { ShapeWords } from './shape-words.tsx';

export function LeaksPage() {
  const asked = useAnswer<LeaksAnswer>('/api/leaks', useRefreshed());
  return (
    <section class="sheet">
      <ReportHead title="Leaks" asked={asked} what="leaks">
        Transactions that changed an audited table and carried no event: the domain panel never heard of them.
      </ReportHead>
      <Answered asked={asked}>{(answer) => <Report answer={answer} />}</Answered>
    </section>
  );
}

function Report({ answer }: { readonly answer: LeaksAnswer }) {
  const {
    percent: share,
    transactions,
    withEvent,
    leaks,
    shapes,
    accepted,
    acceptedUnused,
    rowless,
    tables,
  } = answer;
  return (
    <>
      <div class="tiles">
        <p class="tile wide">
          <b class="figure">{share === null ? '–' : percent(share)}</b>
          <span>
            {share === null
              ? 'no transaction changed an audited table'
              : `of ${counted(transactions, 'transaction')} carried an event`}
          </span>
          <Bar
            parts={[
              { value: withEvent, kind: 'meant' },
              { value: leaks, kind: 'leak' },
            ]}
          />
        </p>
        <p class={`tile${leaks > 0 ? ' is-leak' : ''}`}>
          <b class="figure">{count(leaks)}</b>
          <span>{leaks === 1 ? 'leak' : 'leaks'}</span>
        </p>
        <p class="tile">
          <b class="figure">{count(shapes.length)}</b>
          <span>{shapes.length === 1 ? 'shape' : 'shapes'} without an event</span>
        </p>
      </div>
      <Shapes
        title="Shapes without an event"
        shapes={shapes}
        none="Every write to an audited table carried an event."
      />
      {accepted.length > 0 && <Shapes title="Accepted" shapes={accepted} none="" />}
      {rowless.length > 0 && (
        <>
          <h2>Events without a row</h2>
          <ul class="plain">
            {rowless.map(({ type, transactions: seen, first, last }) => (
              <li key={type}>
                <b>{type}</b> {counted(seen, 'time')}, <Named name={first}>first</Named>,{' '}
                <Named name={last}>last</Named>
              </li>
            ))}
          </ul>
        </>
      )}
      {acceptedUnused.length > 0 && (
        <p class="note">Accepted and never seen without an event: {acceptedUnused.join('; ')}</p>
      )}
      <p class="note">Audited tables: {tables.map(tableWords).join(', ') || 'none yet'}.</p>
    </>
  );
}

type LeakShape = LeakShapeOf<NamedTransaction>;

interface ShapesProps {
  readonly title: string;
  readonly shapes: readonly (LeakShape & { readonly reason?: string })[];
  readonly none: string;
}

function Shapes({ title, shapes, none }: ShapesProps) {
  return (
    <>
      <h2>{title}</h2>
      {shapes.length === 0 && <p class="nothing">{none}</p>}
      <ul class="cards">
        {shapes.map((leak) => (
          <li key={leak.shape} class="card is-leak">
            <h3>
              <ShapeWords shape={leak.shape} />
            </h3>
            <Bar
              parts={[
                { value: leak.transactions - leak.leaks, kind: 'meant' },
                { value: leak.leaks, kind: 'leak' },
              ]}
            />
            <p>
              <b>
                {leak.carries === 'never'
                  ? 'Never carries an event.'
                  : `Carries an event in ${percent(leak.percent)}.`}
              </b>{' '}
              {count(leak.leaks)} of {counted(leak.transactions, 'transaction')} without.{' '}
              {leak.reason !== undefined && <>Accepted: “{leak.reason}”.</>}
            </p>
            {leak.events.length > 0 && (
              <p class="note">
                Travels with{' '}
                {leak.events
                  .map(({ type, transactions }) => `${spokenOf(type)} (${count(transactions)})`)
                  .join(', ')}
              </p>
            )}
            <Writers writers={leak.writers} />
            <Examples leak={leak} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** Who it was, or how to come to know it. */
function Writers({ writers }: Pick<LeakShape, 'writers'>) {
  if (writers.every(({ writer }) => writer === null))
    return (
      <p class="note">
        Nobody said who wrote it; <code>diptych audit install</code> makes transactions say so.
      </p>
    );
  return (
    <p>
      Written by{' '}
      {writers
        .map(({ writer, transactions }) => `${writerWords(writer)} (${count(transactions)})`)
        .join(', ')}
    </p>
  );
}

function Examples({ leak: { first, last, examples } }: { readonly leak: LeakShape }) {
  return (
    <details>
      <summary>
        First {day(first.commitTime)}, {clock(first.commitTime)}
        {last.position !== first.position && <>; last {clock(last.commitTime)}</>}
      </summary>
      <ul class="examples">
        {examples.map((name) => (
          <li key={name.position}>
            <Named name={name}>xid {name.xid}</Named>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Named({
  name,
  children,
}: {
  readonly name: NamedTransaction;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <Link class="which" href={transactionHref(name.position)} title={`${name.commitLsn}, ${name.commitTime}`}>
      {children}
    </Link>
  );
}

/** `cart ItemAdded` → `Item added` */
const spokenOf = (type: string): string => spoken(type.slice(type.lastIndexOf(' ') + 1));
