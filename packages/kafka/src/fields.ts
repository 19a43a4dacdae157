/** Reads fields of parsed JSON; each accessor throws TypeError, naming the field, when it is not what it must be. */
export class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new TypeError(`${path}: no object`);
    this.#fields = value as Readonly<Record<string, unknown>>;
    this.#path = path;
  }

  names(): string[] {
    return Object.keys(this.#fields);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  value(name: string): unknown {
    if (!this.has(name)) throw new TypeError(`${this.#path}.${name} is missing`);
    return this.#fields[name];
  }

  text(name: string): string {
    const value = this.value(name);
    if (typeof value !== 'string') throw new TypeError(`${this.#path}.${name}: no text`);
    return value;
  }

  texts(name: string): string[] {
    const value = this.value(name);
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
      throw new TypeError(`${this.#path}.${name}: no list of texts`);
    }
    return value;
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    if (typeof value !== 'boolean') throw new TypeError(`${this.#path}.${name}: neither true nor false`);
    return value;
  }

  /** Null is no text. */
  optionalText(name: string): string | null {
    return this.value(name) === null ? null : this.text(name);
  }

  optionalTexts(name: string): string[] | null {
    return this.value(name) === null ? null : this.texts(name);
  }

  objects(name: string): Fields[] {
    const value = this.value(name);
    if (!Array.isArray(value)) throw new TypeError(`${this.#path}.${name}: no list`);
    return value.map((one, index) => new Fields(one, `${this.#path}.${name}[${index}]`));
  }

  /** Zero or more. */
  integer(name: string): number {
    const value = this.value(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw new TypeError(`${this.#path}.${name}: no whole number`);
    }
    return value;
  }

  object(name: string): Fields {
    return new Fields(this.value(name), `${this.#path}.${name}`);
  }

  optional(name: string): Fields | null {
    return this.value(name) === null ? null : this.object(name);
  }
}
