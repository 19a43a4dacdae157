/** The shape of what a transaction did: which tables, how, which columns, from which state to which; not whose rows. */
import type { Move, RowChange } from './row-memory.ts';
import type { StateValue } from './state-columns.ts';

/** Different row changes, in the order of their texts. */
export type Shape = readonly RowChange[];

/** More different row changes than these are a batch job; it is known by the first of them. */
const rowsMax = 20;

/** The shape of the changes of one transaction. */
export function shapeOf(changes: readonly RowChange[]): Shape {
  const byText = new Map(changes.map((change) => [rowText(change), change]));
  return [...byText]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .slice(0, rowsMax)
    .map(([, change]) => change);
}

/** `public.cart_items u (quantity) + public.carts u (status: open → checked-out, total)` */
export function shapeText(shape: Shape): string {
  return shape.map(rowText).join(' + ');
}

/** The shape without the values of columns that are none of state. */
export function coarsened(
  shape: Shape,
  isState: (place: { table: string; column: string }) => boolean,
): Shape {
  const isWhole = shape.every(({ table, moves }) => moves.every(({ column }) => isState({ table, column })));
  if (isWhole) return shape;
  return shapeOf(
    shape.map((row) => {
      const { table, moves } = row;
      return { ...row, moves: moves.filter(({ column }) => isState({ table, column })) };
    }),
  );
}

/** The shape as far as it is of these tables. */
export function within(shape: Shape, tables: ReadonlySet<string>): Shape {
  return shape.every(({ table }) => tables.has(table))
    ? shape
    : shape.filter(({ table }) => tables.has(table));
}

/** The texts by which a shape can be accepted: as it is, and whatever the values of its states are. */
export function coveringShapes(shape: Shape): string[] {
  return [shapeText(shape), shapeText(coarsened(shape, () => false))];
}

function rowText({ table, op, columns, moves }: RowChange): string {
  if (columns === null) return `${table} ${op} (?)`;
  const moved = new Map(moves.map((move) => [move.column, move]));
  const names = [...new Set([...columns, ...moved.keys()])].sort();
  const parts = names.map((name) => {
    const move = moved.get(name);
    return move === undefined ? name : moveText(move, op);
  });
  return parts.length === 0 ? `${table} ${op}` : `${table} ${op} (${parts.join(', ')})`;
}

function moveText({ column, from, to }: Move, op: RowChange['op']): string {
  return op === 'c' ? `${column}: ${valueText(to)}` : `${column}: ${valueText(from)} → ${valueText(to)}`;
}

const valueText = (value: StateValue | undefined): string => (value === undefined ? '?' : String(value));
