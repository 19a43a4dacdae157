import { present, unreachable } from '@diptych/runtime/assert';
import { type ClientDriver, ClientPublisher } from './client-publisher.ts';
import type { Send } from './packing.ts';
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
      return new LoadedDriver(async () => {
        const { KafkajsDriver } = await import('./kafkajs-publisher.ts');
        return new KafkajsDriver(options);
      });
    default:
      return unreachable(driver);
  }
}

/** A driver whose client is loaded when it is fenced: 16 MB that nobody else's relay has to keep. */
class LoadedDriver implements ClientDriver {
  readonly #load: () => Promise<ClientDriver>;
  #driver: ClientDriver | null = null;
  #isClosed = false;

  constructor(load: () => Promise<ClientDriver>) {
    this.#load = load;
  }

  get sendRecordsMax(): number {
    return this.#fenced.sendRecordsMax;
  }

  async fence(): Promise<void> {
    const driver = await this.#load();
    this.#driver = driver;
    if (this.#isClosed) return await driver.close();
    await driver.fence();
  }

  send(places: Send): Promise<void> {
    return this.#fenced.send(places);
  }

  commit(): Promise<void> {
    return this.#fenced.commit();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#driver?.close();
  }

  get #fenced(): ClientDriver {
    return present(this.#driver, 'a fenced driver');
  }
}
