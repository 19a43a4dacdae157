/**
 * Matchers for vitest: `import '@diptych/testkit/vitest-matchers'` in the test, or name it in `setupFiles`.
 *
 *     await expect(stack).toHaveEmitted({ type: 'OrderPlaced', aggregate: { type: 'order', id: '7' } });
 *     await expect(stack).toHaveChanged('orders', { op: 'u', after: { status: 'paid' } });
 *     await expect(stack).toBeInStep();
 *
 * Each waits until everything that is committed is published. A failure shows both panels. Other runners have the same as
 * findings: `const { pass, message } = await emitted(stack, …)` (findings.ts).
 */
import { expect } from 'vitest';
import { DiptychStack } from './diptych-stack.ts';
import {
  type CountOptions,
  changed,
  type ExpectedChange,
  type ExpectedEvent,
  emitted,
  type InStepOptions,
  inStep,
} from './findings.ts';

export interface PanelMatchers {
  /** A domain event like this was published; with `times`, exactly so many. */
  toHaveEmitted(expected: string | ExpectedEvent, options?: CountOptions): Promise<void>;
  /** A change event of the table like this was published; with `times`, exactly so many. */
  toHaveChanged(table: string, expected?: ExpectedChange, options?: CountOptions): Promise<void>;
  /** No row change without its event, no difference of state, nothing that came again or out of order. */
  toBeInStep(options?: InStepOptions): Promise<void>;
}

declare module 'vitest' {
  // The type parameters are vitest’s own: a declaration that is merged must repeat them.
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown>
    extends PanelMatchers {}
}

expect.extend({
  toHaveEmitted: (stack: unknown, expected: string | ExpectedEvent, options?: CountOptions) =>
    emitted(asStack(stack), expected, options),
  toHaveChanged: (stack: unknown, table: string, expected?: ExpectedChange, options?: CountOptions) =>
    changed(asStack(stack), table, { ...options, ...(expected && { expected }) }),
  toBeInStep: (stack: unknown, options?: InStepOptions) => inStep(asStack(stack), options),
});

function asStack(value: unknown): DiptychStack {
  if (value instanceof DiptychStack) return value;
  throw new TypeError('expect(stack): what startDiptych answers is expected here');
}
