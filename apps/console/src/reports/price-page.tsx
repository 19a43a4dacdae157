/** What each way of telling costs, as it was measured on one's own database. */
import type { PriceAnswer, PriceReport } from '@diptych/compare/console-reports';
import { Answered } from '../answered.tsx';
import { useAnswer } from '../ask.ts';
import { bytes, clock, count, day } from '../figures.ts';
import { Prose } from '../prose.tsx';
import { Bar } from './bar.tsx';
import { useRefreshed } from './refreshed.ts';

export function PricePage() {
  useRefreshed();
  const asked = useAnswer<PriceAnswer>('/api/price');
  return (
    <section class="sheet">
      <header class="report-head">
        <h1>Price</h1>
        <p class="lead">What it costs to write down what was meant beside what is done.</p>
      </header>
      <Answered asked={asked}>
        {({ report, measuredAt, howTo }) =>
          report === null ? (
            <p class="nothing">
              Not measured yet. <Prose text={howTo} />
            </p>
          ) : (
            <>
              <Prices report={report} />
              <p class="note">{report.method}</p>
              <p class="note">
                Each for {count(report.seconds)} s
                {measuredAt !== null && `, measured ${day(measuredAt)}, ${clock(measuredAt)}`}.{' '}
                <Prose text={howTo} />
              </p>
            </>
          )
        }
      </Answered>
    </section>
  );
}

type Way = PriceReport['ways'][number];

const columns: readonly { title: string; of: (way: Way) => number; words: (value: number) => string }[] = [
  { title: 'WAL each', of: ({ walBytesPerTransaction }) => walBytesPerTransaction, words: bytes },
  { title: 'commit p50', of: ({ commitMs }) => commitMs.p50, words: milliseconds },
  { title: 'commit p99', of: ({ commitMs }) => commitMs.p99, words: milliseconds },
  { title: 'table each', of: ({ tableBytesPerTransaction }) => tableBytesPerTransaction, words: bytes },
];

function Prices({ report: { ways } }: { readonly report: PriceReport }) {
  return (
    <section class="wide" tabIndex={0} aria-label="Prices">
      <table class="report prices">
        <thead>
          <tr>
            <th scope="col">Way</th>
            {columns.map(({ title }) => (
              <th scope="col" key={title}>
                {title}
              </th>
            ))}
            <th scope="col">transactions</th>
          </tr>
        </thead>
        <tbody>
          {ways.map((way) => (
            <tr key={way.way}>
              <th scope="row">{way.way}</th>
              {columns.map(({ title, of, words }) => {
                const most = Math.max(...ways.map(of));
                return (
                  <td key={title}>
                    {words(of(way))}
                    <Bar
                      parts={[
                        { value: of(way), kind: 'done' },
                        { value: most - of(way), kind: 'none' },
                      ]}
                    />
                  </td>
                );
              })}
              <td>{count(way.transactions)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}
