/** The way to one aggregate. */
import type { Facets } from '@diptych/compare/console-api';
import type { AggregatesAnswer } from '@diptych/compare/console-reports';
import { aggregateHref, parameter, replaceParameters } from '../address.ts';
import { Answered } from '../answered.tsx';
import { query, useAnswer } from '../ask.ts';
import { Link } from '../link.tsx';
import { useRefreshed } from '../reports/refreshed.ts';

export function AggregatesPage() {
  const transactions = useRefreshed();
  const facets = useAnswer<Facets>('/api/facets', transactions > 0);
  const types = facets.tag === 'answered' ? facets.answer.aggregateTypes : [];
  const type = parameter('type') ?? types[0] ?? 'cart';
  const prefix = parameter('prefix');
  const asked = useAnswer<AggregatesAnswer>(
    `/api/aggregates${query({ type, prefix, limit: 200 })}`,
    transactions > 0,
  );
  return (
    <section class="sheet">
      <h1>Aggregates</h1>
      <p class="lead">The life of one, in both panels, with a slider through time.</p>
      <search class="bar plain">
        <label>
          <span>Type</span>
          <select value={type} onChange={(event) => replaceParameters({ type: event.currentTarget.value })}>
            {(types.includes(type) ? types : [type, ...types]).map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          <span>Id begins with</span>
          <input
            type="search"
            defaultValue={prefix}
            size={12}
            onInput={(event) => replaceParameters({ prefix: event.currentTarget.value })}
          />
        </label>
      </search>
      <Answered asked={asked}>
        {({ aggregates, hasMore }) => (
          <>
            <ul class="names">
              {aggregates.map((name) => (
                <li key={name.id}>
                  <Link href={aggregateHref(name)} class={name.drifted ? 'is-drift' : ''}>
                    <small>{name.aggregateType}</small> {name.id}
                    {name.drifted && <i>drifted</i>}
                  </Link>
                </li>
              ))}
            </ul>
            {aggregates.length === 0 && <p class="nothing">None is kept.</p>}
            {hasMore && <p class="note">There are more: type the beginning of an id.</p>}
          </>
        )}
      </Answered>
    </section>
  );
}
