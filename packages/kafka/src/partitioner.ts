/**
 * Java's default partitioner: records with equal keys go to the same partition, whichever client wrote them.
 * https://github.com/apache/kafka/blob/4.3/clients/src/main/java/org/apache/kafka/common/utils/Utils.java (murmur2)
 */
import { byteAt } from '@diptych/runtime/bytes';

/** MurmurHash 2 with Kafka's seed, as a signed 32-bit integer; of the bytes between `start` and `end`. */
export function murmur2(bytes: Buffer, start = 0, end = bytes.length): number {
  const multiplier = 0x5bd1e995;
  const length = end - start;
  const wordsEnd = start + (length & ~3);
  let hash = 0x9747b28c ^ length;
  for (let at = start; at < wordsEnd; at += 4) {
    const little = byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16);
    let k = Math.imul(little | (byteAt(bytes, at + 3) << 24), multiplier);
    k ^= k >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(k, multiplier);
  }
  if (wordsEnd < end) {
    // The last one, two or three.
    let rest = byteAt(bytes, wordsEnd);
    if (wordsEnd + 1 < end) rest |= byteAt(bytes, wordsEnd + 1) << 8;
    if (wordsEnd + 2 < end) rest |= byteAt(bytes, wordsEnd + 2) << 16;
    hash = Math.imul(hash ^ rest, multiplier);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}

/** The partition of a key. A null key goes to partition 0, so that keyless records keep their order (docs/wire.md). */
export function partitionOf(key: Buffer | null, partitions: number): number {
  return key === null ? 0 : (murmur2(key) & 0x7fff_ffff) % partitions;
}
