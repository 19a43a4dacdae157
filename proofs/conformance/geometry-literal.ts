/** Debezium's forms of Postgres's geometric types, back as the text that Postgres reads. */
import { isObject } from './observed.ts';

type Point = readonly [x: number, y: number];

/** The literal of a value of one of the types; undefined for any other type or form. */
export function geometryLiteral(value: Record<string, unknown>, type: string): string | undefined {
  const { x, y, a, b, c, center, radius, wkb, extensions } = value;
  if (type === 'point') return point([Number(x), Number(y)]);
  if (type === 'line') return `{${[a, b, c].map((part) => text(Number(part))).join(',')}}`;
  if (type === 'circle' && isObject(center)) {
    return `<${point([Number(center.x), Number(center.y)])},${text(Number(radius))}>`;
  }
  if (typeof wkb !== 'string' || !['lseg', 'box', 'polygon', 'path'].includes(type)) return undefined;
  const points = pointsOf(Buffer.from(wkb, 'base64'));
  if (type === 'lseg') return `[${points.map(point).join(',')}]`;
  // A box is its outline; the corners face each other.
  if (type === 'box')
    return [points[0], points[2]].flatMap((corner) => (corner ? [point(corner)] : [])).join(',');
  // The outline of a polygon ends where it began.
  if (type === 'polygon') return `(${points.slice(0, -1).map(point).join(',')})`;
  const closed = isObject(extensions) && extensions.closed === 'true';
  return closed ? `(${points.map(point).join(',')})` : `[${points.map(point).join(',')}]`;
}

const point = ([x, y]: Point): string => `(${text(x)},${text(y)})`;

/** With the sign of zero, which a template forgets. */
const text = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** Of a line string or a polygon of one ring, little-endian: https://www.ogc.org/standard/sfa/ (well-known binary). */
function pointsOf(bytes: Buffer): Point[] {
  const isPolygon = bytes.readUInt32LE(1) === 3;
  const start = isPolygon ? 9 : 5;
  return Array.from({ length: bytes.readUInt32LE(start) }, (_, index) => {
    const at = start + 4 + index * 16;
    return [bytes.readDoubleLE(at), bytes.readDoubleLE(at + 8)] as const;
  });
}
