/** Which fields of payloads are hidden: `outbox.payload`. */
import { parsePayloadRule } from '@diptych/outbox/payload-mask';
import { z } from 'zod';

const rules = (description: string) =>
  z
    .array(z.string().min(1))
    .default([])
    .superRefine((texts, context) => {
      for (const [index, text] of texts.entries()) {
        try {
          parsePayloadRule(text);
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          context.addIssue({ code: 'custom', path: [index], message: error.message });
        }
      }
    })
    .meta({ description });

export const payloadSettings = z
  .strictObject({
    mask: rules(
      'Fields of payloads that are replaced by asterisks, `aggregate type:event type:path` with `*` for any characters, or the path alone, as `cart:*:$.customer.email` (docs/outbox.md).',
    ),
    hash: rules(
      'Fields that are replaced by the SHA-256 of salt and value; a string’s is that of a column with its text.',
    ),
    hashSalt: z.string().default('').meta({ description: 'The salt of these hashes.', secret: true }),
    drop: rules('Fields that are left out.'),
  })
  .prefault({});
