/** What became of a cart, step by step, asked of the service: its history, and what it was after each event. */

interface Happened {
  readonly version: number;
  readonly type: string;
  readonly what: { readonly sku?: string; readonly quantity?: number; readonly code?: string };
  readonly who: string;
  readonly why: string | null;
  readonly transaction: string;
}

interface Cart {
  readonly status: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number }[];
  readonly totals: { readonly total: string };
}

/** One line for each event, `/carts/101` first; the path is that of either cart. Throws when the service refuses. */
export async function timeTravel(cartUrl: string, path: string): Promise<string[]> {
  const { events } = await get<{ events: readonly Happened[] }>(cartUrl, `${path}/history`);
  const lines = [`${path}, at each of its versions:`];
  for (const { version, type, what, who, why, transaction } of events) {
    const then = await get<Cart>(cartUrl, `${path}?at=${version}`);
    const told = [type, what.quantity === undefined ? '' : `${what.quantity} ×`, what.sku ?? what.code ?? ''];
    const contents = then.items.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(', ') || 'empty';
    lines.push(
      [
        ` ${version}`,
        told
          .filter((word) => word !== '')
          .join(' ')
          .padEnd(28),
        `${contents}: ${then.totals.total}${then.status === 'open' ? '' : `, ${then.status}`}`.padEnd(42),
        `${who}${why === null ? '' : `: ${why}`} (transaction ${transaction})`,
      ].join('  '),
    );
  }
  return lines;
}

async function get<T>(cartUrl: string, path: string): Promise<T> {
  const response = await fetch(new URL(path, cartUrl), { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`GET ${path} was refused: ${await response.text()}`);
  return (await response.json()) as T;
}
