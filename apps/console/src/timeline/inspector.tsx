/** All of one transaction: payloads as they are, rows before and after. */
import type { DomainEvent, RowChange, TransactionAnswer } from '@diptych/compare/console-api';
import { useEffect, useRef } from 'preact/hooks';
import { aggregateHref } from '../address.ts';
import { useAnswer } from '../ask.ts';
import { clock, day, duration } from '../figures.ts';
import { indented } from '../json-text.ts';
import { Link } from '../link.tsx';
import { operationWords, spoken, tableWords } from '../wording.ts';
import { cellText } from './pair.tsx';

export function Inspector({
  position,
  onClose,
}: {
  readonly position: string;
  readonly onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const asked = useAnswer<TransactionAnswer>(`/api/transactions/${encodeURIComponent(position)}`);
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  return (
    <dialog ref={dialog} class="inspector" aria-labelledby="inspected" onClose={onClose} closedby="any">
      <div class="inspected">
        {asked.tag === 'answered' ? (
          <Whole item={asked.answer} />
        ) : (
          <h2 id="inspected">{asked.tag === 'refused' ? asked.refusal.message : 'Reading …'}</h2>
        )}
        <form method="dialog">
          <button type="submit" class="quiet close" aria-label="Close">
            ✕
          </button>
        </form>
      </div>
    </dialog>
  );
}

function Whole({ item }: { readonly item: TransactionAnswer }) {
  const { xid, commitLsn, commitTime, lagMs, leak, drifts, aggregates, events, changes } = item;
  return (
    <>
      <header>
        <h2 id="inspected">Transaction {xid}</h2>
        <dl class="facts">
          <div>
            <dt>Committed</dt>
            <dd>
              <time dateTime={commitTime} title={commitTime}>
                {day(commitTime)}, {clock(commitTime)}
              </time>
            </dd>
          </div>
          <div>
            <dt>LSN</dt>
            <dd>{commitLsn}</dd>
          </div>
          <div>
            <dt>Compared after</dt>
            <dd>{duration(lagMs)}</dd>
          </div>
          <div>
            <dt>About</dt>
            <dd>
              {aggregates.length === 0 && 'nothing that is known'}
              {aggregates.slice(0, 5).map((name) => (
                <Link class="about" key={name.id} href={aggregateHref(name, item.position)}>
                  {name.aggregateType} {name.id}
                </Link>
              ))}
            </dd>
          </div>
        </dl>
        {leak && <p class="flag">Leak: rows changed, and no event tells of it.</p>}
        {drifts.map((name) => (
          <p class="flag parting" key={name.id}>
            Drift: from here on both states of {name.aggregateType} {name.id} differ.
          </p>
        ))}
      </header>
      <div class="sides">
        <section class="meant" aria-label="What was meant">
          <h3>What was meant</h3>
          {events.map((event) => (
            <WholeEvent key={event.ordinal} event={event} />
          ))}
          {events.length === 0 && <p class="silent">No event.</p>}
        </section>
        <section class="done" aria-label="What was done">
          <h3>What was done</h3>
          {changes.map((change) => (
            <WholeChange key={change.ordinal} change={change} />
          ))}
          {changes.length === 0 && <p class="silent">No row changed.</p>}
        </section>
      </div>
    </>
  );
}

function WholeEvent({ event }: { readonly event: DomainEvent }) {
  const { type, aggregateType, key, aggregateVersion, actor, reason, payload } = event;
  const who = [actor, reason].filter((part) => part !== null).join(': ');
  return (
    <article class="entry">
      <h4>
        {spoken(type)}
        <small>
          {aggregateType} {key}
          {aggregateVersion !== null && `, version ${aggregateVersion}`}
        </small>
      </h4>
      {who !== '' && <p class="actor">{who}</p>}
      <pre tabIndex={0}>
        {indented(payload.text)}
        {payload.cut && '…'}
      </pre>
    </article>
  );
}

function WholeChange({ change }: { readonly change: RowChange }) {
  const { op, table, key, columns } = change;
  const before = op !== 'c';
  return (
    <article class="entry">
      <h4>
        <i class={`op is-${op}`}>{operationWords[op]}</i> {tableWords(table)}
        <small>{key.map(({ column, cell }) => `${column} ${cellText(cell)}`).join(', ')}</small>
      </h4>
      {columns.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">column</th>
              {before && <th scope="col">before</th>}
              {op !== 'd' && <th scope="col">after</th>}
            </tr>
          </thead>
          <tbody>
            {columns.map(({ column, before: was, after, changed }) => (
              <tr key={column} class={changed ? 'changed' : ''}>
                <th scope="row">{column}</th>
                {before && <td>{cellText(was)}</td>}
                {op !== 'd' && <td>{cellText(after)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </article>
  );
}
