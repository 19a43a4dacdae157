/** What of the cart's contracts is published for readers in any language. */
import { join } from 'node:path';
import { asyncApi } from '@diptych/events/async-api';
import { cartAggregateType, cartContract, esCartAggregateType } from './cart-events.ts';

/** One file for each version, never changed once it is there, and the AsyncAPI document. */
export const schemaDirectory = join(import.meta.dirname, '../published');

export const asyncApiFile = 'asyncapi.json';

/** The domain topics, with all versions that may be in them. */
export function domainAsyncApi(): object {
  return asyncApi({
    title: 'Domain events of the shop',
    version: '1.0.0',
    channels: [
      {
        aggregateType: cartAggregateType,
        topic: `outbox.event.${cartAggregateType}`,
        description: 'What happened to carts, in order for each cart.',
        contracts: cartContract,
      },
      {
        aggregateType: esCartAggregateType,
        topic: `outbox.event.${esCartAggregateType}`,
        description: 'What happened to event-sourced carts, in order for each cart.',
        contracts: cartContract,
      },
    ],
  });
}
