/** The lower floors of `@platformatic/kafka`, without its producer, consumer, admin client and registries. */
import { apis, clients, errors, protocol } from './client-modules.ts';

export const { Base } = clients;
export const { crc32c, Writer } = protocol;
export const { findErrorBy, GenericError, NetworkError, ProtocolError, ResponseError, UnsupportedApiError } =
  errors;
/** The requests, each with its versions. */
export const requests = apis;
