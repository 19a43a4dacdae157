/**
 * One replication session: START_REPLICATION, raw messages in, status packets out. `pg-logical-replication` carries
 * it; our own plugin hands out raw buffers and our own packets acknowledge, because the library's acknowledging skips
 * adjacent transactions (docs/decisions/0004-raw-session.md). One object a session, never started twice.
 */
import { OperatingError } from '@diptych/runtime/failure';
import type { Client, Connection } from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication/dist/logical-replication-service.js';
import { quoteIdentifier, quoteLiteral } from './catalogue.ts';
import './long-messages.ts';
import { type Lsn, readLsn } from './lsn.ts';
import { messageTags } from './message-frames.ts';
import { MessageStream, messageSocket } from './message-stream.ts';
import { postgresFailure } from './postgres-failure.ts';
import { settingsOption, textSettings } from './text-settings.ts';

export interface SessionOptions {
  readonly databaseUrl: string;
  readonly slot: string;
  readonly publications: readonly string[];
  /** A hung holder loses the slot after this time: its own setting, for its own session only. */
  readonly walSenderTimeoutMs: number;
}

/** One pgoutput message, from `start` to `end`, and where it stands in the WAL. Valid only during the call. */
export interface WalMessage {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly position: Lsn;
}

/** The message of an XLogData: its position is read when it is asked for, which of begins and commits it is not. */
class ReceivedMessage implements WalMessage {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.start = start + walHeadBytes;
    this.end = end;
  }

  get position(): Lsn {
    return readLsn(this.bytes, this.start - walHeadBytes + 1);
  }
}

export interface SessionHandlers {
  readonly onMessage: (message: WalMessage) => void;
  /** The server says how far its WAL is sent, and whether it wants an answer. */
  readonly onKeepalive: (walEnd: Lsn, replyRequested: boolean) => void;
  /** The session is over; called once, also when it never began. */
  readonly onEnd: (failure: OperatingError) => void;
}

/** What `pg` has and its type definitions lack. */
interface ReplicationConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
}

/** What XLogData has in front of its pgoutput message: kind, start, end, time. */
const walHeadBytes = 25;

const millisecondsTo2000 = 946_684_800_000;

/**
 * In a database of the encoding SQL_ASCII the server checks texts only for a client that asks for UTF-8, as `pg` does, and
 * ends the stream at each that is none. Whoever writes records can set one aside; at the walsender it would stop everything.
 * https://www.postgresql.org/docs/18/multibyte.html#MULTIBYTE-AUTOMATIC-CONVERSION
 */
const takeTextsAsTheyAre =
  "select set_config('client_encoding', 'SQL_ASCII', false) where current_setting('server_encoding') = 'SQL_ASCII'";

export class ReplicationSession {
  readonly #service: LogicalReplicationService;
  readonly #options: SessionOptions;
  readonly #handlers: SessionHandlers;
  #connection: ReplicationConnection | null = null;
  #messages: MessageStream | null = null;
  /** Copies of what came in one read with the server's grant, before anyone may look at it. */
  #early: WalMessage[] | null = [];
  #backendPid: number | null = null;
  #over = false;

  constructor(options: SessionOptions, handlers: SessionHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    const settings = { ...textSettings, wal_sender_timeout: `${options.walSenderTimeoutMs}ms` };
    this.#service = new LogicalReplicationService(
      {
        connectionString: options.databaseUrl,
        application_name: `diptych ${options.slot}`,
        connectionTimeoutMillis: 10_000,
        keepAlive: true,
        options: settingsOption(settings),
        stream: messageSocket,
      },
      { acknowledge: { auto: false, timeoutSeconds: 0 } },
    );
  }

  /**
   * Starts at the slot's own position (`0/0`). Resolves when the server has granted the slot; the socket is paused then
   * and nothing is handed out before `stream()`. Throws OperatingError, `slot-held` when another session has the slot.
   */
  async start(): Promise<void> {
    const { slot } = this.#options;
    const service = this.#service;
    const failed = (error: unknown) => this.#end(postgresFailure(error, `streaming from slot ${slot}`));
    service.on('error', failed);
    const started = new Promise<void>((resolve) => {
      service.once('start', () => {
        this.pause();
        resolve();
      });
    });
    const plugin = {
      name: 'pgoutput',
      options: {},
      parse: (bytes: Buffer) => bytes,
      start: (client: Client) => this.#startReplication(client),
    };
    const ended = service.subscribe(plugin, slot, '0/0').then(
      () => failed(new Error('the server ended the stream')),
      (error: unknown) => {
        failed(error);
        throw postgresFailure(error, `starting replication from slot ${slot}`);
      },
    );
    await Promise.race([started, ended]);
    ended.catch(() => {}); // said through onEnd
  }

  async #startReplication(client: Client): Promise<unknown> {
    const { slot, publications } = this.#options;
    const connection = (client as unknown as { connection: ReplicationConnection }).connection;
    this.#connection = connection;
    this.#backendPid = (client as unknown as { processID: number | null }).processID;
    connection.stream.once('close', () =>
      this.#end(
        new OperatingError('postgres-unreachable', 'the replication connection closed', {
          remedy: 'The relay connects again by itself.',
        }),
      ),
    );
    // publication_names is a list of identifiers inside a literal.
    const names = quoteLiteral(publications.map(quoteIdentifier).join(','));
    await client.query(takeTextsAsTheyAre);
    // The server is silent until we ask.
    this.#messages = new MessageStream(connection.stream, {
      ...{ tag: messageTags.copyData, isEndless: true },
      take: (bytes, start, end) => {
        this.#receive(bytes, start, end);
        return true;
      },
    });
    return client.query(
      `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 ` +
        `(proto_version '1', publication_names ${names}, messages 'true')`,
    );
  }

  /**
   * XLogData or a keepalive: kind, position and what follows.
   * https://www.postgresql.org/docs/18/protocol-replication.html#PROTOCOL-REPLICATION-XLOGDATA
   */
  #receive(bytes: Buffer, start: number, end: number): void {
    if (this.#over) return;
    if (bytes[start] === 0x77) {
      const message = new ReceivedMessage(bytes, start, end);
      if (this.#early) this.#early.push(copyOf(message));
      else this.#handlers.onMessage(message);
    } else if (bytes[start] === 0x6b && !this.#early) {
      // An early one is not missed: the next says more, and the status timer answers.
      this.#handlers.onKeepalive(readLsn(bytes, start + 1), bytes[start + 17] === 1);
    }
  }

  /** The server process of this session, as `pg_replication_slots.active_pid` names it; null before `start`. */
  get backendPid(): number | null {
    return this.#backendPid;
  }

  /**
   * Lets the socket run and hands out what came early. In this order: it reads on in a later turn only, so whoever pauses
   * at an early message is heard.
   */
  stream(): void {
    const early = this.#early ?? [];
    this.#early = null;
    this.resume();
    for (const message of early) this.#handlers.onMessage(message);
  }

  /** Stops reading from the socket: TCP holds the server back. */
  pause(): void {
    this.#messages?.pause();
  }

  resume(): void {
    this.#messages?.resume();
  }

  /**
   * Standby status update: 34 bytes, the positions exactly as given. The library's own adds one to each, and a flushed
   * position of commit end + 1 makes the server skip an adjacent transaction.
   * https://www.postgresql.org/docs/18/protocol-replication.html#PROTOCOL-REPLICATION-STANDBY-STATUS-UPDATE
   */
  report({ received, flushed }: { received: Lsn; flushed: Lsn }): void {
    if (this.#over || !this.#connection) return;
    const packet = Buffer.alloc(34);
    packet[0] = 0x72;
    packet.writeBigUInt64BE(received, 1);
    packet.writeBigUInt64BE(flushed, 9);
    packet.writeBigUInt64BE(flushed, 17);
    packet.writeBigInt64BE(BigInt(Date.now() - millisecondsTo2000) * 1000n, 25);
    this.#connection.sendCopyFromChunk(packet);
  }

  /** Ends the session and frees the slot. A server that does not answer is left after `timeoutMs`. */
  async stop({ timeoutMs = 2000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.#over = true;
    const stream = this.#connection?.stream;
    stream?.resume(); // a paused socket never sees the server's farewell
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([
      this.#service
        .destroy()
        .then(() => {})
        .catch(() => {}),
      late,
    ]);
    clearTimeout(timer);
    stream?.destroy();
  }

  #end(failure: OperatingError): void {
    if (this.#over) return;
    this.#over = true;
    this.#handlers.onEnd(failure);
  }
}

/** For whoever cannot read it during the call. */
export function copyOf({ bytes, start, end, position }: WalMessage): WalMessage {
  return { bytes: Buffer.from(bytes.subarray(start, end)), start: 0, end: end - start, position };
}
