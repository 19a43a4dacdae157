import type { Fact } from '@diptych/compare/console-reports';

interface Props {
  readonly facts: readonly Fact[];
  readonly exists?: { readonly events: boolean; readonly rows: boolean };
  readonly caption: string;
}

/** Both states of an aggregate: the facts are the hinge. */
export function FactTable({ facts, exists = { events: true, rows: true }, caption }: Props) {
  return (
    <table class="state">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          <th scope="col" class="meant">
            As the events say{!exists.events && ': unknown'}
          </th>
          <th scope="col" class="fact">
            fact
          </th>
          <th scope="col" class="done">
            As the rows say{!exists.rows && ': unknown'}
          </th>
        </tr>
      </thead>
      <tbody>
        {facts.map(({ fact, events, rows, differs }) => (
          <tr key={fact} class={differs ? 'differs' : ''}>
            <td class="meant">{events ?? <i>nothing</i>}</td>
            <th scope="row" class="fact">
              {fact}
              {differs && <span class="unseen">, differs</span>}
            </th>
            <td class="done">{rows ?? <i>nothing</i>}</td>
          </tr>
        ))}
        {facts.length === 0 && (
          <tr>
            <td class="meant">
              <i>nothing</i>
            </td>
            <th scope="row" class="fact">
              all
            </th>
            <td class="done">
              <i>nothing</i>
            </td>
          </tr>
        )}
      </tbody>
    </table>
  );
}
