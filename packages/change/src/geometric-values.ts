/**
 * Points and shapes as Debezium's structs. Coordinates keep the server's digits; well-known binary holds doubles, which
 * these digits give back exactly. https://www.postgresql.org/docs/18/datatype-geometric.html
 */
import type { ValueModes } from './value-modes.ts';
import type { ValueWriter } from './value-writer.ts';

/** Geometry types of well-known binary. */
const pointType = 1;
const lineStringType = 2;
const polygonType = 3;

/** In the type of PostGIS's extended well-known binary: an SRID follows. */
const sridFlag = 0x20000000;

/** `{x, y, wkb, srid}` */
export const writePoint: ValueWriter = (out, bytes, start, end) =>
  out.ascii(point(numbersOf(bytes, start, end)));

/** `{center, radius}` */
export const writeCircle: ValueWriter = (out, bytes, start, end) => {
  const numbers = numbersOf(bytes, start, end);
  out.ascii(`{"center":${point(numbers)},"radius":${json(numbers[2] ?? '')}}`);
};

/** `{a, b, c}` of Ax + By + C = 0 */
export const writeLine: ValueWriter = (out, bytes, start, end) => {
  const [a = '', b = '', c = ''] = numbersOf(bytes, start, end);
  out.ascii(`{"a":${json(a)},"b":${json(b)},"c":${json(c)}}`);
};

/** A polygon of the four corners. */
export const writeBox: ValueWriter = (out, bytes, start, end) => {
  const [x1 = '', y1 = '', x2 = '', y2 = ''] = numbersOf(bytes, start, end);
  const ring = [x1, y1, x1, y2, x2, y2, x2, y1, x1, y1];
  out.ascii(geometry([polygonHead, points(ring)], '{"type":"box"}'));
};

export const writeSegment: ValueWriter = (out, bytes, start, end) =>
  out.ascii(geometry([lineStringHead, points(numbersOf(bytes, start, end))], '{"type":"lseg"}'));

export const writePath: ValueWriter = (out, bytes, start, end) => {
  const closed = bytes[start] === 0x28;
  const extensions = `{"type":"path","closed":"${closed}"}`;
  out.ascii(geometry([lineStringHead, points(numbersOf(bytes, start, end))], extensions));
};

/**
 * A ring that ends where it began. Debezium leaves one that does already as it is, and so cannot tell it from one that
 * does not; `exact` always adds a point.
 */
export function polygonWriter(shapes: ValueModes['shapes']): ValueWriter {
  return (out, bytes, start, end) => {
    const numbers = numbersOf(bytes, start, end);
    const [x = '', y = ''] = numbers;
    const isClosed = numbers.length > 2 && numbers.at(-2) === x && numbers.at(-1) === y;
    const ring = shapes === 'debezium' && (isClosed || numbers.length < 4) ? numbers : [...numbers, x, y];
    out.ascii(geometry([polygonHead, points(ring)], '{"type":"polygon"}'));
  };
}

/** PostGIS's geometry, which comes as extended well-known binary in hexadecimal: `{wkb, srid, extensions}`. */
export const writeGeometry: ValueWriter = (out, bytes, start, end) => {
  out.ascii(`{${postgis(bytes.toString('latin1', start, end))},"extensions":null}`);
};

/** PostGIS's geography, in the same form: `{wkb, srid}`. */
export const writeGeography: ValueWriter = (out, bytes, start, end) => {
  out.ascii(`{${postgis(bytes.toString('latin1', start, end))}}`);
};

function postgis(hex: string): string {
  const wkb = Buffer.from(hex, 'hex');
  const read = wkb[0] === 0 ? (at: number) => wkb.readUInt32BE(at) : (at: number) => wkb.readUInt32LE(at);
  const hasSrid = wkb.length >= 9 && (read(1) & sridFlag) !== 0;
  return `"wkb":"${wkb.toString('base64')}","srid":${hasSrid ? read(5) : null}`;
}

function point(numbers: readonly string[]): string {
  const [x = '', y = ''] = numbers;
  const wkb = Buffer.concat([head(pointType), doubles([x, y])]).toString('base64');
  return `{"x":${json(x)},"y":${json(y)},"wkb":"${wkb}","srid":null}`;
}

function geometry(wkb: readonly Buffer[], extensions: string): string {
  const base64 = Buffer.concat(wkb).toString('base64');
  return `{"wkb":"${base64}","srid":null,"extensions":${extensions}}`;
}

/** Little-endian, and the type. */
function head(type: number): Buffer {
  return Buffer.of(1, type, 0, 0, 0);
}

const lineStringHead = head(lineStringType);
/** One ring. */
const polygonHead = Buffer.concat([head(polygonType), Buffer.of(1, 0, 0, 0)]);

/** The count of points, and the points. */
function points(coordinates: readonly string[]): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(coordinates.length / 2);
  return Buffer.concat([count, doubles(coordinates)]);
}

function doubles(numbers: readonly string[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, index) => {
    bytes.writeDoubleLE(Number(number), 8 * index);
  });
  return bytes;
}

function numbersOf(bytes: Buffer, start: number, end: number): string[] {
  return bytes.toString('latin1', start, end).match(/[^()[\]<>{},]+/g) ?? [];
}

/** NaN and the infinities, which JSON lacks, as strings. */
function json(number: string): string {
  return /\d$/.test(number) ? number : `"${number}"`;
}
