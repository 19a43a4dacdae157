/** The lower floor of `@platformatic/kafka`: connections to brokers, and which version of a request they know. */
import { isIP } from 'node:net';
import { addressesOf, type Brokers } from '@diptych/runtime/kafka-access';
import type * as Kafka from '@platformatic/kafka';
import { Base, NetworkError, ResponseError, requests, UnsupportedApiError } from './client-floors.ts';
import { securityOf } from './security.ts';

const { metadataV10, metadataV11, metadataV12 } = requests;

// Newest first.
const metadataApis = [metadataV12.api, metadataV11.api, metadataV10.api];

const saslNames = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const;

export type Metadata = Kafka.metadataV12.MetadataResponse;

interface Api {
  readonly key: number;
  readonly version: number;
}

/** Connections of one client. Every method but `close` may throw the library's error. */
export class Connections {
  readonly #base: Kafka.Base;
  readonly #bootstrap: readonly Kafka.Broker[];
  #nodes = new Map<number, Kafka.Broker>();
  /** Counts on, so that a broker that takes connections and does not answer is not the first for ever. */
  #first = 0;
  #offered: ReturnType<Kafka.Base['listApis']> | undefined;

  constructor({
    clientId,
    brokers,
    requestTimeoutMs,
  }: {
    clientId: string;
    brokers: Brokers;
    requestTimeoutMs: number;
  }) {
    const addresses = addressesOf(brokers);
    this.#bootstrap = addresses.map(brokerOf);
    const { tls, login } = securityOf(brokers);
    this.#base = new Base({
      clientId,
      bootstrapBrokers: [...addresses],
      // Many brokers behind one address are told apart by name; an IP address is none (RFC 6066, section 3).
      ...(tls && { tls, tlsServerName: this.#bootstrap.every(({ host }) => isIP(host) === 0) }),
      ...(login && { sasl: { ...login, mechanism: saslNames[login.mechanism] } }),
      requestTimeout: requestTimeoutMs,
      connectTimeout: Math.min(3000, requestTimeoutMs),
      retries: 0,
    });
  }

  /** The brokers, and of the named topics or of all what the cluster knows; each with its own error. */
  async metadata(
    topics: readonly string[] | 'all',
    /** Whether each topic says what this principal may do with it. */
    { operations = false }: { readonly operations?: boolean } = {},
  ): Promise<Metadata> {
    const metadata = await this.newest(metadataApis);
    const answer = await this.ask((connection) =>
      metadata
        .async(connection, topics === 'all' ? null : [...topics], false, operations)
        .catch(partlyAnswered<Metadata>),
    );
    this.#nodes = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    return answer;
  }

  /** Asks what any broker can answer; after a failure another one is the first to be asked, the next time. */
  async ask<T>(ask: (connection: Kafka.Connection) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.any());
    } catch (error) {
      this.#first += 1;
      throw error;
    }
  }

  any(): Promise<Kafka.Connection> {
    const brokers = [...this.#nodes.values(), ...this.#bootstrap];
    const first = this.#first % brokers.length;
    return this.#base.connections.getFirstAvailable([...brokers.slice(first), ...brokers.slice(0, first)]);
  }

  /** To a broker by its address. */
  at(broker: Kafka.Broker): Promise<Kafka.Connection> {
    return this.#base.connections.get(broker);
  }

  /** To a broker that the last metadata named. */
  to(node: number): Promise<Kafka.Connection> {
    const broker = this.#nodes.get(node);
    if (!broker) throw new NetworkError(`the cluster shows no broker ${node}`);
    return this.#base.connections.get(broker);
  }

  /** The first of the candidates, newest first, that the brokers know. */
  async newest<A extends Api>(candidates: readonly A[]): Promise<A> {
    this.#offered ??= this.#base.listApis();
    const asked = this.#offered;
    const offered = await asked.catch((error: unknown) => {
      if (this.#offered === asked) this.#offered = undefined;
      throw error;
    });
    const found = candidates.find(({ key, version }) =>
      offered.some((api) => api.apiKey === key && api.minVersion <= version && version <= api.maxVersion),
    );
    if (!found)
      throw new UnsupportedApiError(`the broker knows no version of API ${candidates[0]?.key} that we know`);
    return found;
  }

  /** Ends the connections; requests in flight fail. Never throws. */
  async close(): Promise<void> {
    await this.#base.close().catch(() => undefined);
  }
}

/** The client throws an answer away when one of its parts has an error; it is kept in the error. */
export function partlyAnswered<T>(error: unknown): T {
  if (error instanceof ResponseError && 'response' in error) {
    const answer = error.response as T & { readonly errorCode?: number };
    if ((answer.errorCode ?? 0) === 0) return answer;
  }
  throw error;
}

/** `host:port`; an IPv6 address stands in brackets. */
function brokerOf(address: string): Kafka.Broker {
  const { hostname, port } = new URL(`kafka://${address}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 9092) };
}
