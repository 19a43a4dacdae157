/** What the events of a moment tell, and rows cannot: who, and why. */
import type { AggregateMoment } from '@diptych/compare/console-reports';
import { details, spoken } from '../wording.ts';

export function Why({
  moment,
  aggregateType,
}: {
  readonly moment: AggregateMoment;
  readonly aggregateType: string;
}) {
  const { events, changes } = moment.item;
  return (
    <section class="why" aria-labelledby="why">
      <h2 id="why">Why is it so?</h2>
      {events.length === 0 ? (
        <p class="flag">
          Nobody said. {changes.length > 0 ? 'The rows were changed' : 'Something happened'} without an event
          of this {aggregateType}: the writer went past the service.
        </p>
      ) : (
        <ul>
          {events.map((event) => (
            <li key={event.ordinal}>
              <b>{spoken(event.type)}</b> {details(event)}
              <span class="who">
                {event.actor === null ? 'by somebody the event does not name' : `by ${event.actor}`}
                {event.reason !== null && <>, because: “{event.reason}”</>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
