/**
 * pgoutput's bytes to messages, protocol version 1, values as text.
 * https://www.postgresql.org/docs/18/protocol-logicalrep-message-formats.html
 */
import { xid } from '@diptych/wal/lsn';
import type { Before, Message } from './message.ts';
import { Reader } from './reader.ts';
import type { Column, Relation, ReplicaIdentity } from './relation.ts';
import { Row } from './row.ts';

/** `pg_class.relreplident`. https://www.postgresql.org/docs/18/catalog-pg-class.html */
const replicaIdentities: ReadonlyMap<string, ReplicaIdentity> = new Map([
  ['d', 'default'],
  ['n', 'nothing'],
  ['f', 'full'],
  ['i', 'index'],
]);

/**
 * Decodes one replication session: the server describes each table once a session, before its first change and again
 * after it was altered, and the decoder remembers the description. A new session begins with a new decoder.
 */
export class Decoder {
  readonly #relations = new Map<number, Relation>();
  readonly #reader = new Reader();

  /**
   * Decodes the message that stands from `start` to `end`. Row values and message contents stay in `bytes`, uncopied. Throws
   * OperatingError `wal-message-malformed`, which names the message's tag and the position in it.
   */
  decode(bytes: Buffer, start = 0, end = bytes.length): Message {
    const reader = this.#reader;
    reader.begin(bytes, start, end);
    const message = this.#message(reader);
    reader.ended();
    return message;
  }

  #message(reader: Reader): Message {
    const tag = reader.byte();
    switch (tag) {
      case 0x42: // B
        return {
          tag: 'begin',
          commitLsn: reader.lsn(),
          commitTimeUs: reader.timeUs(),
          xid: xid(reader.unsigned32()),
        };
      case 0x43: // C
        return commit(reader);
      case 0x4f: // O
        return { tag: 'origin', lsn: reader.lsn(), name: reader.string() };
      case 0x52: // R
        return this.#relation(reader);
      case 0x59: // Y
        return { tag: 'type', oid: reader.unsigned32(), schema: schemaName(reader), name: reader.string() };
      case 0x49: // I
        return this.#insert(reader);
      case 0x55: // U
        return this.#update(reader);
      case 0x44: // D
        return this.#delete(reader);
      case 0x54: // T
        return this.#truncate(reader);
      case 0x4d: // M
        return logicalMessage(reader);
      default:
        return reader.fail('an unknown kind of message');
    }
  }

  #relation(reader: Reader): Message {
    const oid = reader.unsigned32();
    const schema = schemaName(reader);
    const table = reader.string();
    const letter = String.fromCharCode(reader.byte());
    const replicaIdentity =
      replicaIdentities.get(letter) ?? reader.fail(`unknown replica identity '${letter}'`);
    const columns: Column[] = [];
    for (let left = reader.int16(); left > 0; left -= 1) {
      const flags = reader.byte();
      columns.push({
        key: (flags & 1) === 1,
        name: reader.string(),
        typeOid: reader.unsigned32(),
        typeModifier: reader.int32(),
      });
    }
    const relation: Relation = { oid, schema, table, replicaIdentity, columns };
    this.#relations.set(oid, relation);
    return { tag: 'relation', relation };
  }

  #insert(reader: Reader): Message {
    const relation = this.#known(reader);
    if (reader.byte() !== 0x4e) reader.fail('no new row');
    return { tag: 'insert', relation, after: row(reader, relation) };
  }

  #update(reader: Reader): Message {
    const relation = this.#known(reader);
    const part = reader.byte();
    if (part === 0x4e) return { tag: 'update', relation, before: null, after: row(reader, relation) };
    const old = before(reader, relation, part);
    if (reader.byte() !== 0x4e) reader.fail('no new row');
    return { tag: 'update', relation, before: old, after: row(reader, relation) };
  }

  #delete(reader: Reader): Message {
    const relation = this.#known(reader);
    return { tag: 'delete', relation, before: before(reader, relation, reader.byte()) };
  }

  #truncate(reader: Reader): Message {
    const count = reader.unsigned32();
    const options = reader.byte();
    const relations: Relation[] = [];
    for (let left = count; left > 0; left -= 1) relations.push(this.#known(reader));
    return { tag: 'truncate', relations, cascade: (options & 1) === 1, restartIdentity: (options & 2) === 2 };
  }

  #known(reader: Reader): Relation {
    const oid = reader.unsigned32();
    return this.#relations.get(oid) ?? reader.fail(`relation ${oid} was not described`);
  }
}

function commit(reader: Reader): Message {
  if (reader.byte() !== 0) reader.fail('unknown flags');
  return {
    tag: 'commit',
    commitLsn: reader.lsn(),
    commitEndLsn: reader.lsn(),
    commitTimeUs: reader.timeUs(),
  };
}

/** The server writes `pg_catalog` as an empty string. */
function schemaName(reader: Reader): string {
  return reader.string() || 'pg_catalog';
}

function before(reader: Reader, relation: Relation, part: number): Before {
  if (part === 0x4b) return { tag: 'key', row: row(reader, relation) };
  if (part === 0x4f) return { tag: 'row', row: row(reader, relation) };
  return reader.fail('no old row');
}

/** TupleData: for each column `n`, `u`, or `t` with length and text. `b` is not asked for. */
function row(reader: Reader, relation: Relation): Row {
  const columns = reader.int16();
  if (columns !== relation.columns.length) {
    reader.fail(`${columns} values for the ${relation.columns.length} columns of relation ${relation.oid}`);
  }
  return new Row(reader.bytes, reader.values(columns), reader.size);
}

function logicalMessage(reader: Reader): Message {
  const transactional = (reader.byte() & 1) === 1;
  const lsn = reader.lsn();
  const prefix = reader.string();
  const start = reader.sized();
  return { tag: 'message', transactional, lsn, prefix, content: reader.bytes.subarray(start, reader.at) };
}
