/** What row changes no longer say. */
import type { IntentAnswer } from '@diptych/compare/console-reports';
import { Answered } from '../answered.tsx';
import { useAnswer } from '../ask.ts';
import { count, counted } from '../figures.ts';
import { spoken } from '../wording.ts';
import { Bar } from './bar.tsx';
import { useRefreshed } from './refreshed.ts';
import { ReportHead } from './report-head.tsx';
import { ShapeWords } from './shape-words.tsx';

export function IntentPage() {
  const asked = useAnswer<IntentAnswer>('/api/intent', useRefreshed());
  return (
    <section class="sheet">
      <ReportHead title="Intent loss" asked={asked} what="intent">
        Different events whose row changes look the same: no reader of change events alone can tell them
        apart.
      </ReportHead>
      <Answered asked={asked}>
        {(answer) =>
          answer.events.length === 0 ? (
            <p class="nothing">
              No type of event was alone in its transaction often enough: ten times each are needed.
            </p>
          ) : (
            <>
              <Types answer={answer} />
              <Matrix answer={answer} />
              <Pairs answer={answer} />
            </>
          )
        }
      </Answered>
    </section>
  );
}

function Types({ answer: { events } }: { readonly answer: IntentAnswer }) {
  return (
    <section class="wide" tabIndex={0} aria-label="Events and their row changes">
      <table class="report">
        <thead>
          <tr>
            <th scope="col">Event, alone in its transaction</th>
            <th scope="col">transactions</th>
            <th scope="col">row changes each</th>
            <th scope="col">ambiguous</th>
            <th scope="col">
              <span class="unseen">share</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {events.map(({ type, transactions, changesPerEvent, ambiguous }) => (
            <tr key={type}>
              <th scope="row">{name(type)}</th>
              <td>{count(transactions)}</td>
              <td>{changesPerEvent}</td>
              <td>{count(ambiguous)}</td>
              <td class="with-bar">
                <Bar
                  parts={[
                    { value: ambiguous, kind: 'lost' },
                    { value: transactions - ambiguous, kind: 'none' },
                  ]}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Matrix({ answer: { events, matrix } }: { readonly answer: IntentAnswer }) {
  return (
    <>
      <h2>Which look like which</h2>
      <p class="note">Of the row’s transactions, those whose row changes look like the column’s.</p>
      <section class="wide" tabIndex={0} aria-label="Matrix of events">
        <table class="matrix">
          <thead>
            <tr>
              <td />
              {events.map(({ type }) => (
                <th scope="col" key={type}>
                  {name(type)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {events.map(({ type, transactions }, row) => (
              <tr key={type}>
                <th scope="row">{name(type)}</th>
                {(matrix[row] ?? []).map((value, column) =>
                  column === row ? (
                    <td key={events[column]?.type} class="same">
                      ·
                    </td>
                  ) : (
                    <td
                      key={events[column]?.type}
                      class="heat"
                      style={{ '--heat': `${heat(value, transactions)}%` }}
                    >
                      {value === 0 ? <span class="zero">0</span> : count(value)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Pairs({ answer: { pairs } }: { readonly answer: IntentAnswer }) {
  return (
    <>
      <h2>Pairs that rows cannot tell apart</h2>
      {pairs.length === 0 && <p class="nothing">None: every event leaves rows of its own.</p>}
      <ul class="cards">
        {pairs.map(({ left, right, indistinguishable, transactions, shapes }) => (
          <li class="card" key={`${left} ${right}`}>
            <h3>
              {name(left)} and {name(right)}
            </h3>
            <p>
              {count(indistinguishable)} of {counted(transactions, 'transaction')}
            </p>
            {shapes.map((shape) => (
              <p class="note" key={shape}>
                <ShapeWords shape={shape} />
              </p>
            ))}
          </li>
        ))}
      </ul>
    </>
  );
}

/** So that text upon the strongest keeps its contrast. */
const heatMax = 50;
const heat = (value: number, of: number): number => (of === 0 ? 0 : Math.round((heatMax * value) / of));

/** `cart ItemAdded` → `Item added` */
const name = (type: string): string => spoken(type.slice(type.lastIndexOf(' ') + 1));
