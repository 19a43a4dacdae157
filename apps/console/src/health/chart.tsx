/** A line chart over time; uPlot draws on a canvas, so what it says is said in words beside it. */
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { clock } from '../figures.ts';
import { theme } from '../theme.ts';

export interface Line {
  readonly label: string;
  /** A custom property of the style sheet. */
  readonly colour: `--${string}`;
  /** One for each time; null where there is none. */
  readonly values: readonly (number | null)[];
}

interface Props {
  readonly title: string;
  /** In seconds since 1970. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly words: (value: number) => string;
  /** What the marks of the scale may lie apart. */
  readonly steps?: readonly number[];
}

const height = 190;
/** A line of hours below the plot; the library leaves room for two. */
const hoursHeight = 30;

export function Chart({ title, times, lines, words, steps }: Props) {
  const ground = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = [[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData;
  useEffect(() => {
    const element = ground.current;
    if (element === null) return;
    const made = new uPlot(options({ lines, words, steps }, element.clientWidth), data, element);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme.value]);
  useEffect(() => plot.current?.setData(data), [times]);
  return (
    <figure class="chart">
      <figcaption>
        <b>{title}</b>
        {lines.map(({ label, colour, values }) => {
          const last = values.findLast((value) => value !== null);
          return (
            <span key={label} class="key-of" style={{ '--key': `var(${colour})` }}>
              <i aria-hidden="true" /> {label}{' '}
              <b>{last === undefined || last === null ? '–' : words(last)}</b>
            </span>
          );
        })}
      </figcaption>
      <div class="plot" ref={ground} aria-hidden="true" />
    </figure>
  );
}

function options(
  { lines, words, steps }: Pick<Props, 'lines' | 'words'> & { steps: Props['steps'] | undefined },
  width: number,
): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => resolved(style.getPropertyValue(name).trim());
  const axis = {
    stroke: colour('--ink-soft'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1, size: 4 },
    font: '11px "Inter Variable", sans-serif',
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [
      {
        ...axis,
        space: 80,
        size: hoursHeight,
        values: (_plot, ticks) => ticks.map((at) => clock(at).slice(0, 8)),
      },
      {
        ...axis,
        size: 64,
        ...(steps ? { incrs: [...steps] } : {}),
        values: (_plot, ticks) => ticks.map(words),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 1.75,
        points: { show: true, size: 4, filter: alone },
        spanGaps: false,
      })),
    ],
  };
}

/** Values without a neighbour: no line shows them. */
function alone(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  return [...values.keys()].filter(
    (at) => values[at] != null && values[at - 1] == null && values[at + 1] == null,
  );
}

/** `light-dark(…)` as a canvas understands it: what the browser makes of it. */
function resolved(value: string): string {
  const probe = document.createElement('i');
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
