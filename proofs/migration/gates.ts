/** The gates of the walk: a command and its exit code, before the stage and after it (docs/migrate.md). */
import { fileURLToPath } from 'node:url';
import { runCommand } from '@diptych/testkit/command';
import type { DiptychStack } from '@diptych/testkit/diptych-stack';

const timeoutMs = 300_000;
const diptychMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));

export interface GateOptions {
  readonly stack: DiptychStack;
  /** Where `audit.accepted.json` is read from, when it is there. */
  readonly directory: string;
  readonly mappings: string;
}

/** Runs `diptych` against the stack, and answers its exit code and what it said. */
export async function diptych(
  { stack, directory, mappings }: GateOptions,
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  return await runCommand({
    command: process.execPath,
    args: [diptychMain, ...args],
    cwd: directory,
    env: {
      ...process.env,
      DIPTYCH_DATABASE_URL: stack.databaseUrl,
      DIPTYCH_KAFKA_BROKERS: stack.brokers.join(','),
      DIPTYCH_SLOT: stack.slot,
      DIPTYCH_PREFIX: stack.prefix,
      DIPTYCH_OUTBOX_TOPIC_PREFIX: stack.domainPrefix,
      DIPTYCH_AUDIT_TABLES: 'public.orders,public.order_lines',
      DIPTYCH_AUDIT_MAPPINGS: mappings,
    },
    timeoutMs,
  });
}

/** Where an order's columns are in its events. */
export const orderMappings = {
  aggregates: [
    {
      ...{ aggregateType: 'order', table: 'public.orders', key: 'id' },
      fields: {
        status: {
          ...{ column: 'status', payload: 'status' },
          events: { OrderPaid: 'paid', OrderCancelled: 'cancelled' },
        },
        total: { column: 'total', payload: 'total', as: 'decimal' },
      },
      parts: [
        {
          ...{ table: 'public.order_lines', key: 'order_id', payload: 'lines' },
          each: { column: 'product_id', member: 'product' },
          value: { column: 'quantity', member: 'count' },
        },
      ],
    },
  ],
} as const;
