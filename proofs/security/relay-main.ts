import { fileURLToPath } from 'node:url';

/** What a person types as `diptych`. */
export const relayMain = fileURLToPath(import.meta.resolve('@diptych/relay-app/main'));
