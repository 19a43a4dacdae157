/**
 * Triggers note a row when its statement ends, so a cascade within one table is noted in another order than it is in the
 * WAL. The order of records is compared with the reference; what is to be judged of a row is looked up by its key.
 */
import { isObject, type Observed } from './observed.ts';
import type { Noted } from './oracle.ts';
import { pgLiteral } from './pg-literal.ts';

/** How far ahead is looked. */
const aheadMax = 2000;

/** The events in the order of the notes, as far as their keys tell; others stay where they are. */
export function inOrderOf(notes: readonly Noted[], events: readonly Observed[]): Observed[] {
  const left = [...events];
  const ordered: Observed[] = [];
  for (const note of notes) {
    const at = placeOf(note, left);
    if (at < 0) return [...ordered, ...left];
    const event = left[at];
    const isMove = note.operation === 'UPDATE' && operationOf(event) === 'd';
    ordered.push(...left.splice(at, isMove ? 2 : 1));
  }
  return [...ordered, ...left];
}

/** The first event of that row and operation; else the first one. */
function placeOf(note: Noted, events: readonly Observed[]): number {
  if (events.length === 0) return -1;
  const found = events.slice(0, aheadMax).findIndex((event) => isOf(note, event));
  return Math.max(found, 0);
}

function isOf(note: Noted, event: Observed): boolean {
  const op = operationOf(event);
  const fits = {
    INSERT: op === 'c',
    UPDATE: op === 'u' || op === 'd',
    DELETE: op === 'd',
    TRUNCATE: op === 't',
  };
  if (!fits[note.operation]) return false;
  if (note.operation === 'TRUNCATE') return true;
  const texts = op === 'c' || op === 'u' ? note.after : note.before;
  if (!isObject(event.key) || texts === null) return true;
  return Object.entries(event.key).every(([column, value]) => {
    const index = note.columns.indexOf(column);
    return index < 0 || pgLiteral(value, note.types[index] ?? 'text') === texts[index];
  });
}

function operationOf(event: Observed | undefined): string {
  return isObject(event?.value) ? String(event.value.op) : '';
}
