/** The cart's rows, as a conventional service keeps them. The outbox's tables are in packages/outbox. */

import { quantityMax } from '@diptych/contracts/cart-state';
import { cartStatuses } from '@diptych/contracts/cart-states';
import { sql } from 'drizzle-orm';
import {
  check,
  index,
  integer,
  json,
  numeric,
  pgSequence,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

const amount = () => numeric({ precision: 12, scale: 2 });

export const products = pgTable(
  'products',
  {
    sku: text().primaryKey(),
    name: text().notNull(),
    unitPrice: numeric('unit_price', { precision: 12, scale: 2 }).notNull(),
  },
  // The upper bound is the one that `linesMax` of the contracts counts on.
  (table) => [check('products_unit_price_check', sql`${table.unitPrice} between 0.01 and 99999.99`)],
);

export const carts = pgTable(
  'carts',
  {
    id: integer().primaryKey().generatedAlwaysAsIdentity({ startWith: 101 }),
    status: text({ enum: cartStatuses }).notNull().default('open'),
    /** Goes up by one for each event: what `If-Match` compares. */
    version: integer().notNull().default(1),
    /** Amounts are written at checkout; until then they follow from the items. */
    subtotal: amount(),
    discount: amount(),
    total: amount(),
    openedAt: timestamp('opened_at', { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    check(
      'carts_status_check',
      sql`${table.status} in (${sql.raw(cartStatuses.map((status) => `'${status}'`).join(', '))})`,
    ),
  ],
);

export const cartItems = pgTable(
  'cart_items',
  {
    cartId: integer('cart_id')
      .notNull()
      .references(() => carts.id),
    sku: text()
      .notNull()
      .references(() => products.sku),
    /** Name and price as they were when the product came into the cart. */
    name: text().notNull(),
    quantity: integer().notNull(),
    unitPrice: numeric('unit_price', { precision: 12, scale: 2 }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.cartId, table.sku] }),
    check('cart_items_quantity_check', sql`${table.quantity} between 1 and ${sql.raw(String(quantityMax))}`),
  ],
);

export const cartDiscounts = pgTable(
  'cart_discounts',
  {
    cartId: integer('cart_id')
      .notNull()
      .references(() => carts.id),
    code: text().notNull(),
    /** Negative. */
    amount: amount().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.cartId, table.code] }),
    check('cart_discounts_amount_check', sql`${table.amount} < 0`),
  ],
);

/** Ids of event-sourced carts: all that is stored of one besides its events. */
export const esCartIds = pgSequence('es_cart_ids', { startWith: 101, maxValue: 2_147_483_647 });

/** Answers of commands that carried an Idempotency-Key, kept for a day. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    key: text().primaryKey(),
    /** SHA-256 of what was asked, so that a key used for something else is found out. */
    fingerprint: text().notNull(),
    status: integer().notNull(),
    /** `json` keeps the text as it was, so that a retry reads the same bytes. */
    body: json().notNull(),
    xid: text().notNull(),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [index('idempotency_keys_created_at_index').on(table.createdAt)],
);
