/** Settings of the two servers: where they are, how they are trusted, who we are there. */
import { checkDatabaseAccess, databaseAccess, databaseUrlOf } from '@diptych/runtime/database-access';
import { brokersOf, checkKafkaAccess, kafkaAccess } from '@diptych/runtime/kafka-access';
import { z } from 'zod';

export const databaseSettings = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .meta({
        description:
          'The captured database, `postgres://user:password@host:port/name`; of several `host:port`, separated by commas, ' +
          'the one that is the primary.',
        secret: true,
      }),
    ...databaseAccess,
  })
  .superRefine(checkDatabaseAccess)
  // Whole from here on: every client takes password and certificates from the URL.
  .transform((access) => ({ ...access, url: databaseUrlOf(access) }));

export const kafkaSettings = z
  .strictObject({
    brokers: z
      .array(z.string())
      .min(1)
      .meta({ description: 'Bootstrap brokers, `host:port`, separated by commas.' }),
    driver: z
      .enum(['platformatic', 'kafkajs'])
      .default('platformatic')
      .meta({ description: 'Which client publishes: `platformatic` or `kafkajs`.' }),
    partitions: z
      .number()
      .int()
      .positive()
      .default(6)
      .meta({ description: 'Partitions of a topic of events when the relay creates it.' }),
    replicationFactor: z
      .number()
      .int()
      .min(-1)
      .max(32_767)
      .refine((factor) => factor !== 0, 'takes -1 or 1 and more')
      .default(-1)
      .meta({
        description: 'Replicas of a topic when the relay creates it; -1 is the brokers’ own default.',
      }),
    ...kafkaAccess,
  })
  .superRefine(checkKafkaAccess)
  .transform((access) => ({ ...access, brokers: brokersOf(access.brokers, access) }));
