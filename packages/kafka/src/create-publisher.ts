import { unreachable } from '@diptych/runtime/assert';
import { type ClientDriver, ClientPublisher } from './client-publisher.ts';
import { KafkajsDriver } from './kafkajs-publisher.ts';
import { PlatformaticDriver } from './platformatic-publisher.ts';
import type { Publisher, PublisherOptions } from './publisher.ts';

export const publisherDrivers = ['platformatic', 'kafkajs'] as const;
export type PublisherDriver = (typeof publisherDrivers)[number];

/** A publisher on the given client. It connects when it is fenced. */
export function createPublisher(driver: PublisherDriver, options: PublisherOptions): Publisher {
  return new ClientPublisher(createDriver(driver, options), options);
}

function createDriver(driver: PublisherDriver, options: PublisherOptions): ClientDriver {
  switch (driver) {
    case 'platformatic':
      return new PlatformaticDriver(options);
    case 'kafkajs':
      return new KafkajsDriver(options);
    default:
      return unreachable(driver);
  }
}
