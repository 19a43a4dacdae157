/** A value that has no form in the mode chosen for it. Who writes the record says in which column. */
export class Unrepresentable extends Error {
  override readonly name = 'Unrepresentable';
}

/** Throws Unrepresentable: `what` names the kind of value and the setting, never the value itself. */
export function unrepresentable(what: string): never {
  throw new Unrepresentable(what);
}
