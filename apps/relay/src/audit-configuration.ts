/** Settings of `diptych audit`, `diptych verify` and `diptych intent`; the relay itself does not look at them. */
import { z } from 'zod';

export const auditSettings = z
  .strictObject({
    tables: z
      .array(z.string().regex(/^[^.]+\.[^.]+$/, 'takes schema.table'))
      .optional()
      .meta({
        description:
          'Tables whose changes ought to carry an event, `schema.table`. Not set: each that at least once changed together ' +
          'with one (docs/compare.md).',
      }),
    accepted: z.string().default('audit.accepted.json').meta({
      description:
        'The file with the shapes that may be without an event, each with its reason, when it is there.',
    }),
    eventOnly: z.array(z.string()).default([]).meta({
      description: 'Aggregate types whose events need no row.',
    }),
    mappings: z.string().optional().meta({
      description:
        'The file that declares which tables and columns hold which aggregates, for the drift proof; the cart’s is built in.',
    }),
  })
  .prefault({});
