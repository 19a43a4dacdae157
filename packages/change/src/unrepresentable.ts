/** A value that has no form in the mode chosen for it. Who writes the record says in which column. */
export class Unrepresentable extends Error {
  override readonly name = 'Unrepresentable';
  /** The way out, when it is another one than the modes of values. */
  readonly remedy: string | null;

  constructor(what: string, remedy: string | null = null) {
    super(what);
    this.remedy = remedy;
  }
}

/** Throws Unrepresentable: `what` names the kind of value and the setting, never the value itself. */
export function unrepresentable(what: string, remedy?: string): never {
  throw new Unrepresentable(what, remedy);
}
