/**
 * What `pg_resetwal` does, which the embedded PostgreSQL does not bring: a stopped cluster goes on at another position of
 * the WAL, or with another transaction id. Layouts are those of PostgreSQL 18 (src/include/catalog/pg_control.h,
 * src/include/access/xlogrecord.h). https://www.postgresql.org/docs/18/app-pgresetwal.html
 */
import { chownSync, statSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from '@diptych/runtime/assert';

const controlVersion = 1800;
const walSegmentBytes = 16 * 1024 * 1024;
const pageHeaderBytes = 40;
const recordHeaderBytes = 24;

/** Of ControlFileData. */
const control = { version: 8, checkPoint: 32, checkPointCopy: 40 } as const;
/** Of CheckPoint, 88 bytes. */
const checkPoint = { redo: 0, timeline: 8, nextXid: 24, oldestXid: 44, bytes: 88 } as const;

export interface NewBeginning {
  /** Number of the 16 MiB segment that the WAL goes on with: above all that were written. */
  readonly segment?: number;
  /** The next transaction id, 64 bit. Everything has to be frozen, or less than 2^31 before it. */
  readonly nextXid?: bigint;
}

/** The server must have been stopped in an orderly way. Asserts the layouts that it relies on. */
export async function resetWal(dataDirectory: string, beginning: NewBeginning): Promise<void> {
  const controlFile = join(dataDirectory, 'global', 'pg_control');
  const bytes = await readFile(controlFile);
  assert(bytes.readUInt32LE(control.version) === controlVersion, 'the control file is that of PostgreSQL 18');
  const crcOffset = crcOffsetOf(bytes);
  const copy = bytes.subarray(control.checkPointCopy, control.checkPointCopy + checkPoint.bytes);

  const walDirectory = join(dataDirectory, 'pg_wal');
  const segments = (await readdir(walDirectory)).filter((name) => /^[0-9A-F]{24}$/.test(name)).toSorted();
  const last = segments.at(-1);
  assert(last, 'a cluster has WAL');
  const firstPage = (await readFile(join(walDirectory, last))).subarray(0, pageHeaderBytes);
  const segment = beginning.segment ?? segmentNumber(last) + 1;
  assert(segment > segmentNumber(last), 'the WAL goes on above what was written');

  const redo = BigInt(segment) * BigInt(walSegmentBytes) + BigInt(pageHeaderBytes);
  copy.writeBigUInt64LE(redo, checkPoint.redo);
  if (beginning.nextXid !== undefined) {
    copy.writeBigUInt64LE(beginning.nextXid, checkPoint.nextXid);
    // A transaction id that is further away than 2^31 would stop the server: it believes everything is frozen.
    copy.writeUInt32LE(Number(BigInt.asUintN(32, beginning.nextXid - 1_000_000n)), checkPoint.oldestXid);
    await emptyCommitLog(dataDirectory, beginning.nextXid);
  }
  bytes.writeBigUInt64LE(redo, control.checkPoint);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, crcOffset)), crcOffset);

  for (const name of segments) await rm(join(walDirectory, name));
  const timeline = copy.readUInt32LE(checkPoint.timeline);
  const firstSegment = firstSegmentOf({ firstPage, copy, redo });
  await writeAs(controlFile, join(walDirectory, segmentName(timeline, segment)), firstSegment);
  await writeFile(controlFile, bytes);
}

/** A segment that holds nothing but the shutdown checkpoint from which the server starts. */
function firstSegmentOf({
  firstPage,
  copy,
  redo,
}: {
  firstPage: Buffer;
  copy: Buffer;
  redo: bigint;
}): Buffer {
  const segment = Buffer.alloc(walSegmentBytes);
  firstPage.copy(segment);
  segment.writeUInt16LE(0x0002, 2); // a long header, and nothing of a record that began before
  segment.writeBigUInt64LE(redo - BigInt(pageHeaderBytes), 8);
  segment.writeUInt32LE(0, 16);
  const data = Buffer.concat([Buffer.from([0xff, checkPoint.bytes]), copy]);
  const header = Buffer.alloc(recordHeaderBytes); // no previous record, of the WAL itself, a shutdown's checkpoint
  header.writeUInt32LE(recordHeaderBytes + data.length, 0);
  header.writeUInt32LE(crc32c(Buffer.concat([data, header.subarray(0, 20)])), 20);
  Buffer.concat([header, data]).copy(segment, pageHeaderBytes);
  return segment;
}

/** The part of the commit log that holds this id: the server reads its page when it starts. */
async function emptyCommitLog(dataDirectory: string, nextXid: bigint): Promise<void> {
  const transactionsInFile = 32n * 8192n * 4n;
  const number = BigInt.asUintN(32, nextXid) / transactionsInFile;
  const file = join(dataDirectory, 'pg_xact', number.toString(16).toUpperCase().padStart(4, '0'));
  await writeAs(join(dataDirectory, 'global', 'pg_control'), file, Buffer.alloc(32 * 8192));
}

/** With the owner and the mode of another file: we may be root, the server is not. */
async function writeAs(model: string, path: string, bytes: Buffer): Promise<void> {
  const { uid, gid, mode } = statSync(model);
  await writeFile(path, bytes, { mode });
  chownSync(path, uid, gid);
}

const segmentsInFourGibibytes = 0x1_0000_0000 / walSegmentBytes;

function segmentNumber(name: string): number {
  return (
    Number.parseInt(name.slice(8, 16), 16) * segmentsInFourGibibytes + Number.parseInt(name.slice(16), 16)
  );
}

function segmentName(timeline: number, segment: number): string {
  return [timeline, Math.floor(segment / segmentsInFourGibibytes), segment % segmentsInFourGibibytes]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}

/** Where the control file keeps its checksum: behind the fields, whose number differs between builds. */
function crcOffsetOf(bytes: Buffer): number {
  for (let offset = control.checkPointCopy + checkPoint.bytes; offset < 512; offset += 4) {
    if (crc32c(bytes.subarray(0, offset)) === bytes.readUInt32LE(offset)) return offset;
  }
  throw new Error('the control file has no checksum where one was expected');
}

/** CRC-32C, reflected, as PostgreSQL's src/port/pg_crc32c_sb8.c. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
