/** Asks for the token that the console was started with. */
import { signal } from '@preact/signals';
import { isLocked, refusalOf, tell } from './ask.ts';

const said = signal<string | null>(null);

export function Lock() {
  const enter = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token');
    tell('/login', { token }).then(
      () => {
        said.value = null;
        isLocked.value = false;
      },
      (error: unknown) => {
        const { status, message } = refusalOf(error);
        said.value = status === 401 ? 'That is not the token.' : message;
      },
    );
  };
  return (
    <main class="lock">
      <form class="sheet" onSubmit={enter}>
        <h1>Diptych</h1>
        <label>
          Token of this console
          <input name="token" type="password" autoComplete="current-password" required />
        </label>
        {said.value !== null && <p role="alert">{said.value}</p>}
        <button type="submit">Open</button>
      </form>
    </main>
  );
}
