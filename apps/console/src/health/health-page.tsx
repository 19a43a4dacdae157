/** How the bridge and the comparison are: lag, throughput, latency, what is parked, how far snapshots are. */
import type { HealthAnswer, HealthSample, RelayHealth, SlotHealth } from '@diptych/compare/console-health';
import { useMemo } from 'preact/hooks';
import { Answered } from '../answered.tsx';
import { useAnswer } from '../ask.ts';
import { bytes, clock, count, duration } from '../figures.ts';
import { engineState, lastSample } from '../live.ts';
import { Prose } from '../prose.tsx';
import { useRefreshed } from '../reports/refreshed.ts';
import { Chart, type Line } from './chart.tsx';
import { Parked } from './parked.tsx';
import { Snapshots } from './snapshots.tsx';

export function HealthPage() {
  useRefreshed();
  const asked = useAnswer<HealthAnswer>('/api/health', lastSample.value?.at);
  return (
    <section class="sheet">
      <header class="report-head">
        <h1>Health</h1>
        <p class="lead">From the commit in Postgres to both panels, and to this page.</p>
      </header>
      <Answered asked={asked}>{(answer) => <Health answer={answer} />}</Answered>
      <Parked again={lastSample.value?.parkedKeys} />
    </section>
  );
}

function Health({ answer }: { readonly answer: HealthAnswer }) {
  const { relay, slot, samples, problems, hints } = answer;
  return (
    <>
      {problems.map((problem) => (
        <p class="flag" key={problem}>
          {problem}
        </p>
      ))}
      <Tiles relay={relay} slot={slot} samples={samples} />
      {relay?.lastError && (
        <p class={relay.ready ? 'note' : 'flag'}>
          {relay.ready && `Got over at ${clock(relay.lastError.at)}: `}
          {relay.lastError.message}. <Prose text={relay.lastError.remedy} />
        </p>
      )}
      <Charts samples={samples} />
      <Snapshots tables={relay?.snapshot ?? null} />
      {hints.map((hint) => (
        <p class="note" key={hint}>
          <Prose text={hint} />
        </p>
      ))}
    </>
  );
}

interface TilesProps {
  readonly relay: RelayHealth | null;
  readonly slot: SlotHealth | null;
  readonly samples: readonly HealthSample[];
}

function Tiles({ relay, slot, samples }: TilesProps) {
  const last = samples.at(-1);
  const lagBytes = slot?.lagBytes ?? relay?.lagBytes ?? last?.slotLagBytes ?? null;
  const latency =
    samples.findLast(({ commitToKafkaMs }) => commitToKafkaMs !== null)?.commitToKafkaMs ?? null;
  const lagMs =
    engineState.value?.lagMs ??
    samples.findLast(({ engineLagMs }) => engineLagMs !== null)?.engineLagMs ??
    null;
  return (
    <div class="tiles">
      <p class={`tile${relay?.ready === false ? ' is-leak' : ''}`}>
        <b class="figure">{relay === null ? '–' : relay.ready ? 'Ready' : 'Not ready'}</b>
        <span>{relay === null ? 'relay' : `relay, ${relay.role}, ${relay.delivery}`}</span>
      </p>
      <p class={`tile${slot?.active === false ? ' is-leak' : ''}`}>
        <b class="figure">{lagBytes === null ? '–' : bytes(lagBytes)}</b>
        <span>
          WAL held by the slot
          {slot !== null && ` ${slot.name}, ${slot.active ? 'in use' : 'not in use'}`}
        </span>
      </p>
      <p class="tile">
        <b class="figure">{latency === null ? '–' : duration(latency.p50)}</b>
        <span>from commit to Kafka, p50{latency !== null && `; p99 ${duration(latency.p99)}`}</span>
      </p>
      <p class="tile">
        <b class="figure">{lagMs === null ? '–' : duration(lagMs)}</b>
        <span>until it was compared</span>
      </p>
    </div>
  );
}

/** Powers of two, so that the marks are round in KiB. */
const byteSteps = Array.from({ length: 44 }, (_, power) => 2 ** power);

function Charts({ samples }: { readonly samples: readonly HealthSample[] }) {
  const times = useMemo(() => samples.map(({ at }) => new Date(at).valueOf() / 1000), [samples]);
  const line = (
    label: string,
    colour: Line['colour'],
    of: (sample: HealthSample) => number | null,
  ): Line => ({
    ...{ label, colour },
    values: samples.map(of),
  });
  if (samples.length < 2)
    return (
      <p class="nothing">
        Charts begin with the second sample{samples[0] && `, after ${clock(samples[0].at)}`}.
      </p>
    );
  const second = (value: number): string => `${count(value)}/s`;
  return (
    <div class="charts">
      <Chart
        title="Throughput"
        times={times}
        words={second}
        lines={[
          line('events', '--meant', ({ eventsPerSecond }) => eventsPerSecond),
          line('row changes', '--done', ({ changesPerSecond }) => changesPerSecond),
        ]}
      />
      <Chart
        title="Commit to Kafka"
        times={times}
        words={duration}
        lines={[
          line('p50', '--done', ({ commitToKafkaMs }) => commitToKafkaMs?.p50 ?? null),
          line('p99', '--waiting', ({ commitToKafkaMs }) => commitToKafkaMs?.p99 ?? null),
        ]}
      />
      <Chart
        title="Slot lag, bytes"
        times={times}
        words={bytes}
        steps={byteSteps}
        lines={[line('held WAL', '--done', ({ slotLagBytes }) => slotLagBytes)]}
      />
      <Chart
        title="Lag, time"
        times={times}
        words={duration}
        lines={[
          line('slot', '--done', ({ slotLagSeconds }) =>
            slotLagSeconds === null ? null : slotLagSeconds * 1000,
          ),
          line('comparison', '--waiting', ({ engineLagMs }) => engineLagMs),
        ]}
      />
    </div>
  );
}
