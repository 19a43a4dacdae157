/** What HTTP requests may hold. Unknown fields of a body are refused by name. */
import { quantityMax } from '@diptych/contracts/cart-state';
import { momentForms, parseMoment } from '@diptych/journal/moment';
import { parseTraceparent } from '@diptych/runtime/tracing';
import { z } from 'zod';

/**
 * Text that Postgres can store as text and inside jsonb: it has no NUL and no half of a surrogate pair.
 * https://www.postgresql.org/docs/18/datatype-json.html
 */
const storable = (lengthMax: number) =>
  z
    .string()
    .min(1)
    .max(lengthMax)
    .refine(
      (text) => !text.includes('\0') && text.isWellFormed(),
      'must not hold NUL or unpaired surrogates',
    );

const quantityMessage = `must be a whole number from 1 to ${quantityMax}`;
const quantity = z
  .int(quantityMessage)
  .min(1, quantityMessage)
  .max(quantityMax, quantityMessage)
  .meta({ description: quantityMessage, example: 1 });

const sku = storable(64).meta({ example: 'banana' });
const reason = storable(500).optional().meta({ description: 'Why; goes into the event' });

export const reasonBody = z.strictObject({ reason }).nullish();
export const addItemBody = z.strictObject({ sku, quantity: quantity.default(1), reason });
export const quantityBody = z.strictObject({ quantity, reason });
export const discountBody = z.strictObject({ code: storable(64).meta({ example: 'two-bananas' }), reason });

/** Beyond it nothing can be a version: carts count theirs with an `integer`. */
const versionMax = 2_147_483_647;
const versionMessage = 'must be a version of the cart, a whole number from 1 on';
export const revertBody = z.strictObject({
  toVersion: z
    .int(versionMessage)
    .min(1, versionMessage)
    .max(versionMax, versionMessage)
    .meta({ description: 'The contents become what they were at this version', example: 4 }),
  reason,
});

export const atQuery = z.strictObject({
  at: z
    .string()
    .refine((text) => parseMoment(text) !== undefined, `must be ${momentForms}`)
    .optional()
    .meta({ description: `As it was at a moment: ${momentForms}`, example: '3' }),
});

const whole = (from: number, to: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, `must be a whole number from ${from} to ${to}`)
    .transform(Number)
    .refine((number) => number >= from && number <= to, `must be a whole number from ${from} to ${to}`);

export const historyQuery = z.strictObject({
  after: whole(0, versionMax).default(0).meta({ description: 'The last version that is known already' }),
  limit: whole(1, 1_000).default(100),
});

export const cartParams = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d*$/, 'must be a positive whole number')
    .meta({ example: '101' }),
});
export const itemParams = cartParams.extend({ sku });

/** Headers of commands. Others are none of our business, so the object is open. */
export const commandHeaders = z.object({
  'diptych-actor': storable(100)
    .default('customer')
    .meta({ description: 'Who does it; goes into the event' }),
  'idempotency-key': storable(255)
    .optional()
    .meta({ description: 'A retry with the same key gets the same answer and writes once' }),
  traceparent: z.string().optional().meta({ description: 'W3C trace context, handed on with the events' }),
});

/** `"3"`, a list of such, or `*`. A weak tag never matches. https://www.rfc-editor.org/rfc/rfc9110#name-if-match */
export const changeHeaders = commandHeaders.extend({
  'if-match': z
    .string()
    .regex(/^\s*(\*|(W\/)?"[^"]*"(\s*,\s*(W\/)?"[^"]*")*)\s*$/, 'must be an entity tag such as "3"')
    .optional()
    .meta({ description: 'The ETag of the cart as you know it; another version answers 412' }),
});

/** The versions that an If-Match allows, or undefined when any will do. */
export function versionsOf(ifMatch: string | undefined): readonly number[] | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  return [...ifMatch.matchAll(/(?<!W\/)"(\d{1,10})"/g)].map(([, version]) => Number(version));
}

/** Carts are numbered by an `integer`: a greater id cannot be a cart's, and Postgres would not even compare it. */
const cartIdMax = 2_147_483_647;

/** The id of a cart that may exist, or undefined. */
export function cartIdOf(text: string): number | undefined {
  const id = Number(text);
  return id <= cartIdMax ? id : undefined;
}

/** A trace context that is not well-formed is left out, as the standard asks. https://www.w3.org/TR/trace-context/ */
export function traceparentOf(header: string | undefined): string | undefined {
  return parseTraceparent(header) ? header : undefined;
}
