/**
 * The few requests that an idempotent or transactional producer sends, on the lower floors of `@platformatic/kafka`:
 * its connections and its versioned APIs. Each method is one attempt: what may be tried again, and when, is for whoever
 * calls to say. https://kafka.apache.org/43/design/protocol/
 */

import { present } from '@diptych/runtime/assert';
import type { Brokers } from '@diptych/runtime/kafka-access';
import type * as Kafka from '@platformatic/kafka';
import { addPartitionsApi, addPartitionsRequest } from './add-partitions.ts';
import type { PartitionName } from './by-topic.ts';
import { errorCodes } from './classify.ts';
import { NetworkError, ProtocolError, ResponseError, requests } from './client-floors.ts';
import { Connections } from './connections.ts';
import { gatheringSocket } from './gathered-request.ts';
import type { Place } from './packing.ts';
import { batchesBytesMax, type ProduceAnswer, produceApis, writeBatches } from './produce-request.ts';
import { RecordBatchWriter } from './record-batch.ts';
import { RequestBody } from './request-body.ts';

const {
  endTxnV3,
  endTxnV4,
  FindCoordinatorKeyTypes,
  findCoordinatorV4,
  findCoordinatorV5,
  findCoordinatorV6,
  initProducerIdV3,
  initProducerIdV4,
  initProducerIdV5,
} = requests;

/** Who the broker takes us for. */
export interface ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
}

/** A place's batch that was not taken, as far as we know. */
export interface Untaken {
  readonly place: Place;
  readonly error: unknown;
}

/** What is sent at once, as it was numbered: the batches of a second attempt are the same. */
export interface Producing {
  readonly places: readonly Place[];
  readonly producer: ProducerIdentity;
  /** Sequence number of a place's first record. */
  readonly sequenceOf: (place: Place) => number;
}

const initProducerIdApis = [initProducerIdV5.api, initProducerIdV4.api, initProducerIdV3.api];
const findCoordinatorApis = [findCoordinatorV6.api, findCoordinatorV5.api, findCoordinatorV4.api];
const endTxnApis = [endTxnV4.api, endTxnV3.api];

/** "No producer yet". */
const nobody = { id: -1n, epoch: -1 };

/** Every method but `close` may throw the client's error. */
export class ProducerRequests {
  readonly #connections: Connections;
  readonly #transactionalId: string | null;
  readonly #timeoutMs: number;
  #coordinator: Kafka.Broker | null = null;
  /** The leaders' node ids of the topics that were asked for. */
  #leaders = new Map<string, readonly number[]>();
  readonly #writer = new RecordBatchWriter();
  /** Where the requests to each leader are written, one after another. */
  readonly #bodies = new Map<number, RequestBody>();

  /** `timeoutMs` bounds a Kafka transaction, and how long a broker waits for its replicas. */
  constructor(options: {
    brokers: Brokers;
    clientId: string;
    requestTimeoutMs: number;
    transactionalId: string | null;
    timeoutMs: number;
  }) {
    this.#connections = new Connections(options);
    this.#transactionalId = options.transactionalId;
    this.#timeoutMs = options.timeoutMs;
  }

  /** InitProducerId: with a transactional id every older producer of it is dead, its open transaction ended. */
  async identify(): Promise<ProducerIdentity> {
    const api = await this.#connections.newest(initProducerIdApis);
    const ask = (connection: Kafka.Connection) =>
      api.async(connection, this.#transactionalId, this.#timeoutMs, nobody.id, nobody.epoch);
    const { producerId, producerEpoch } =
      this.#transactionalId === null
        ? await this.#connections.ask(ask)
        : await this.#coordinated(this.#transactionalId, ask);
    return { id: producerId, epoch: producerEpoch };
  }

  /** AddPartitionsToTxn: the first one begins the transaction. Answers what makes an attempt, each with the same request. */
  addPartitions(
    producer: ProducerIdentity,
    { transactionalId, partitions }: { transactionalId: string; partitions: readonly PartitionName[] },
  ): () => Promise<void> {
    const request = addPartitionsRequest({ transactionalId, producer, partitions });
    return async () => {
      const api = await this.#connections.newest([addPartitionsApi]);
      await this.#coordinated(transactionalId, (connection) => api.async(connection, request));
    };
  }

  /**
   * EndTxn. Throws UnansweredError when it was sent and nothing came back: it may come to pass at any time, and a second
   * one, once answered, would leave the first to end the next transaction.
   */
  async commit({ id, epoch }: ProducerIdentity, transactionalId: string): Promise<void> {
    const api = await this.#connections.newest(endTxnApis);
    await this.#coordinated(transactionalId, (connection) =>
      api.async(connection, transactionalId, id, epoch, true).catch(refusedOrUnanswered),
    );
  }

  /** Sends each batch to the leader of its partition; all in-sync replicas have those that are not in the answer. */
  async produce(producing: Producing): Promise<readonly Untaken[]> {
    const { places } = producing;
    const api = await this.#connections.newest(produceApis);
    await this.#locate(places);
    const untaken = await Promise.all(
      this.#byLeader(places).map(([leader, ofLeader]) =>
        this.#produceTo(leader, { api, ...producing, places: ofLeader }),
      ),
    );
    const all = untaken.flat();
    if (all.length > 0) this.#leaders.clear();
    return all;
  }

  /** Ends the connections; requests in flight fail, and no attempt reads a record any more. Never throws. */
  close(): Promise<void> {
    return this.#connections.close();
  }

  /** In their order. */
  #byLeader(places: readonly Place[]): (readonly [leader: number, readonly Place[]])[] {
    const leaderOf = ({ topic, partition }: Place) => this.#leaders.get(topic)?.[partition] ?? -1;
    const [first] = places;
    const only = first ? leaderOf(first) : -1;
    if (places.every((place) => leaderOf(place) === only)) return [[only, places]];
    return [...Map.groupBy(places, leaderOf)];
  }

  async #produceTo(
    leader: number,
    { api, ...producing }: Producing & { api: (typeof produceApis)[number] },
  ): Promise<readonly Untaken[]> {
    const { places } = producing;
    try {
      if (leader === -1) throw new ProtocolError('LEADER_NOT_AVAILABLE');
      const connection = await this.#connections.to(leader);
      const socket = gatheringSocket(connection.socket, { apiKey: api.key });
      const batches = this.#write(leader, producing);
      const request = { transactionalId: this.#transactionalId, timeoutMs: this.#timeoutMs, batches, socket };
      const answer = await api.async(connection, request);
      this.#bodies.get(leader)?.begin(); // what a long record took is not kept until the next
      return untakenOf(places, answer);
    } catch (error) {
      // The socket of an attempt without an answer may still write from there.
      this.#bodies.delete(leader);
      return places.map((place) => ({ place, error }));
    }
  }

  #write(leader: number, { places, producer, sequenceOf }: Producing): Buffer {
    const body = this.#bodies.get(leader) ?? new RequestBody();
    this.#bodies.set(leader, body);
    body.begin(batchesBytesMax(places));
    const isTransactional = this.#transactionalId !== null;
    const headOf = (place: Place) => ({
      producerId: producer.id,
      producerEpoch: producer.epoch,
      baseSequence: sequenceOf(place),
      isTransactional,
    });
    writeBatches(body, { places, writer: this.#writer, headOf });
    return body.bytes;
  }

  /** Asks for the leaders of the topics that are not known yet. */
  async #locate(places: readonly Place[]): Promise<void> {
    const asked = [
      ...new Set(places.filter(({ topic }) => !this.#leaders.has(topic)).map(({ topic }) => topic)),
    ];
    if (asked.length === 0) return;
    const { topics } = await this.#connections.metadata(asked);
    for (const { errorCode, name, partitions } of topics) {
      if (errorCode !== 0) throw new ProtocolError(errorCode);
      const leaders: number[] = [];
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId;
      if (name) this.#leaders.set(name, leaders);
    }
  }

  /** Asks the coordinator. After a failure it is looked for anew, the next time. */
  async #coordinated<T>(
    transactionalId: string,
    ask: (connection: Kafka.Connection) => Promise<T>,
  ): Promise<T> {
    try {
      this.#coordinator ??= await this.#findCoordinator(transactionalId);
      return await ask(await this.#connections.at(this.#coordinator));
    } catch (error) {
      // It is the right one, still busy with the last transaction.
      if (!errorCodes(error).has('CONCURRENT_TRANSACTIONS')) this.#coordinator = null;
      throw error;
    }
  }

  async #findCoordinator(transactionalId: string): Promise<Kafka.Broker> {
    const api = await this.#connections.newest(findCoordinatorApis);
    const { coordinators } = await this.#connections.ask((connection) =>
      api.async(connection, FindCoordinatorKeyTypes.TRANSACTION, [transactionalId]),
    );
    const { host, port } = present(coordinators[0], 'a coordinator in the answer');
    return { host, port };
  }
}

/** A request was sent, and nobody knows whether it is carried out, or will be. */
export class UnansweredError extends Error {
  override readonly name = 'UnansweredError';
}

function refusedOrUnanswered(error: unknown): never {
  if (error instanceof ResponseError) throw error;
  throw new UnansweredError('no answer to the end of the transaction', { cause: error });
}

/** Those that the answer does not say are there. */
function untakenOf(places: readonly Place[], { taken, refused }: ProduceAnswer): readonly Untaken[] {
  if (taken === places.length && refused.length === 0) return [];
  const isWhole = taken + refused.length === places.length;
  const untaken: Untaken[] = [];
  for (const place of places) {
    const said = refused.find(
      ({ topic, partition }) => topic === place.topic && partition === place.partition,
    );
    // Whichever it is: a batch that is there is told from a new one when it is sent again.
    if (!said && !isWhole)
      untaken.push({ place, error: new NetworkError('a batch is missing in the answer') });
    if (!said) continue;
    const error = new ProtocolError(said.code, said.message);
    // The broker has it from an earlier attempt, so long ago that it forgot the offset.
    if (error.apiId !== 'DUPLICATE_SEQUENCE_NUMBER') untaken.push({ place, error });
  }
  return untaken;
}
