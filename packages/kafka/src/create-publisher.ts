import { unreachable } from '@diptych/runtime/assert';
import { KafkajsDriver } from './kafkajs-publisher.ts';
import { PlatformaticDriver } from './platformatic-publisher.ts';
import type { Publisher, PublisherOptions } from './publisher.ts';
import { TransactionalPublisher, type TransactionDriver } from './transactional-publisher.ts';

export const publisherDrivers = ['platformatic', 'kafkajs'] as const;
export type PublisherDriver = (typeof publisherDrivers)[number];

/** A publisher on the given client. It connects when it is fenced. */
export function createPublisher(driver: PublisherDriver, options: PublisherOptions): Publisher {
  return new TransactionalPublisher(createDriver(driver, options), options);
}

function createDriver(driver: PublisherDriver, options: PublisherOptions): TransactionDriver {
  switch (driver) {
    case 'platformatic':
      return new PlatformaticDriver(options);
    case 'kafkajs':
      return new KafkajsDriver(options);
    default:
      return unreachable(driver);
  }
}
