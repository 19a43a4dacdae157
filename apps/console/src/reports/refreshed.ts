import { useEffect, useState } from 'preact/hooks';
import { engineState, listen } from '../live.ts';

/** A report costs the server a fold: at most so often, in ms. */
const refreshMs = 2000;

/** Another number whenever there is more to report; the page hears of it by the stream, without what it is of. */
export function useRefreshed(): number {
  const [shown, setShown] = useState(0);
  useEffect(() => listen({ ...silent, filter: { differences: 'only' }, after: null }), []);
  const transactions = engineState.value?.transactions ?? 0;
  useEffect(() => {
    if (shown === transactions) return;
    const timer = window.setTimeout(() => setShown(transactions), shown === 0 ? 0 : refreshMs);
    return () => window.clearTimeout(timer);
  }, [shown, transactions > shown]);
  return shown;
}

const nothing = (): void => undefined;
const silent = { onTransactions: nothing, onUpdates: nothing, onGap: nothing };
