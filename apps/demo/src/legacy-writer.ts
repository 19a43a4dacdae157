import pg from 'pg';

/**
 * What a legacy application does: it writes rows and tells nobody. One plain UPDATE makes the cart's quantity of the
 * product greater by one, without an event: a leak, and from then on the cart drifts.
 */
export async function writeWithoutEvent(
  databaseUrl: string,
  { cartId, sku }: { cartId: number; sku: string },
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'legacy backoffice' });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      'update cart_items set quantity = quantity + 1 where cart_id = $1 and sku = $2',
      [cartId, sku],
    );
    if (rowCount !== 1) throw new Error(`cart ${cartId} has no ${sku}`);
  } finally {
    await client.end();
  }
}
