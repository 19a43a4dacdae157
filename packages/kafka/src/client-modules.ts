/**
 * The modules of `@platformatic/kafka` that `client-floors.ts` is made of. The package exports all it has as one, which takes 13 MB
 * and a tenth of a second of processor time more than what is needed here (2.12.1, measured). So they are asked for by their
 * places in it. A bundle has them at once (apps/relay/bundle.ts).
 */
import { clientPlaces } from './client-places.ts';

type Library = typeof import('@platformatic/kafka');

const whole = import.meta.resolve('@platformatic/kafka');

const load = async (path: string): Promise<Library> => (await import(new URL(path, whole).href)) as Library;

export const [apis, clients, errors, protocol] = await Promise.all([
  load(clientPlaces.apis),
  load(clientPlaces.clients),
  load(clientPlaces.errors),
  load(clientPlaces.protocol),
]);
