/** What stands around every page: name, ways, how far the comparison is, and whether anybody answers. */
import type { Session } from '@diptych/compare/console-api';
import { useEffect } from 'preact/hooks';
import { path } from './address.ts';
import { AggregatePage } from './aggregate/aggregate-page.tsx';
import { AggregatesPage } from './aggregate/aggregates-page.tsx';
import { ask, isLocked, refusalOf } from './ask.ts';
import { count } from './figures.ts';
import { HealthPage } from './health/health-page.tsx';
import { Link } from './link.tsx';
import { engineState } from './live.ts';
import { Lock } from './lock.tsx';
import { DriftPage } from './reports/drift-page.tsx';
import { IntentPage } from './reports/intent-page.tsx';
import { LeaksPage } from './reports/leaks-page.tsx';
import { PricePage } from './reports/price-page.tsx';
import { Standing } from './standing.tsx';
import { nextTheme, theme } from './theme.ts';
import { TimelinePage } from './timeline/timeline-page.tsx';

const ways = [
  { href: '/', name: '', title: 'Timeline' },
  { href: '/aggregates', name: 'aggregates', title: 'Aggregates' },
  { href: '/leaks', name: 'leaks', title: 'Leaks' },
  { href: '/drift', name: 'drift', title: 'Drift' },
  { href: '/intent', name: 'intent', title: 'Intent loss' },
  { href: '/price', name: 'price', title: 'Price' },
  { href: '/health', name: 'health', title: 'Health' },
] as const;

export function Shell() {
  const place = path.value[0] ?? '';
  const title = ways.find(({ name }) => name === place)?.title ?? 'Not found';
  useEffect(() => {
    document.title = `${title} · Diptych`;
  }, [title]);
  useEffect(() => {
    ask<Session>('/api/session').then(
      ({ state }) => {
        engineState.value ??= state;
      },
      // The stream says so, or the lock does.
      (error: unknown) => refusalOf(error),
    );
  }, [isLocked.value]);
  if (isLocked.value) return <Lock />;
  return (
    <>
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <header class="head">
        <Link href="/" class="name" aria-label="Diptych, the timeline">
          <Mark />
          Diptych
        </Link>
        <nav aria-label="Pages">
          {ways.map(({ href, name, title: words }) => (
            <Link key={name} href={href} aria-current={place === name ? 'page' : undefined}>
              {words}
              <Badge name={name} />
            </Link>
          ))}
        </nav>
        <Standing />
        <button
          type="button"
          class="quiet"
          onClick={nextTheme}
          aria-label={`Colours: ${theme.value}. Change`}
        >
          <span aria-hidden="true">{{ system: '◐', light: '○', dark: '●' }[theme.value]}</span>
        </button>
      </header>
      <main id="page" tabIndex={0}>
        <Page />
      </main>
    </>
  );
}

function Page() {
  const [place = '', type, id] = path.value;
  switch (place) {
    case '':
      return <TimelinePage />;
    case 'aggregates':
      return type !== undefined && id !== undefined ? (
        <AggregatePage key={`${type}/${id}`} aggregateType={type} id={id} />
      ) : (
        <AggregatesPage />
      );
    case 'leaks':
      return <LeaksPage />;
    case 'drift':
      return <DriftPage />;
    case 'intent':
      return <IntentPage />;
    case 'price':
      return <PricePage />;
    case 'health':
      return <HealthPage />;
    default:
      return (
        <section class="sheet">
          <h1>There is no such page</h1>
          <p>
            <Link href="/">To the timeline</Link>
          </p>
        </section>
      );
  }
}

function Badge({ name }: { readonly name: string }) {
  const state = engineState.value;
  const value = name === 'leaks' ? state?.leaks : name === 'drift' ? state?.drifted : undefined;
  if (!value) return null;
  return <span class={`badge is-${name}`}>{count(value)}</span>;
}

/** Two panels and the hinge between them. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path class="mark-meant" d="M15 5 4 8v16l11 3z" />
      <path class="mark-done" d="m17 5 11 3v16l-11 3z" />
      <path class="mark-hinge" d="M16 3v26" />
    </svg>
  );
}
