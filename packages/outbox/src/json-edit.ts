/**
 * Replaces values at places in JSON text, and leaves every other byte as it is: numbers keep their digits, members their
 * order, blanks their place.
 */
import type { JsonPath } from './json-path.ts';

export interface JsonEdit {
  readonly path: JsonPath;
  /** The JSON that takes the value's place; null leaves its member or element out. */
  readonly replace: (value: Buffer) => Buffer | null;
}

/** What is looked into is nested no deeper: each level takes a frame of the stack. */
const nestingMax = 1000;

/** How far into its path an edit has come at a value: the next step is this one. */
interface Progress {
  readonly edit: JsonEdit;
  readonly step: number;
}

/** What stands in place of the bytes from `start` to `end`. */
interface Cut {
  readonly start: number;
  readonly end: number;
  readonly by: Buffer;
}

const nothing = Buffer.alloc(0);

/**
 * The JSON with the edits made, of several at one place the first; the same buffer when no place is there. Throws SyntaxError
 * when the text is no JSON, and RangeError when it is nested too deep or too long to be read.
 */
export function editJson(json: Buffer, edits: readonly JsonEdit[]): Buffer {
  // The grammar is the platform's to check; what it makes of the text is not used.
  JSON.parse(json.toString());
  const cuts = new Cuts(json).make(edits);
  if (cuts.length === 0) return json;
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, by } of cuts) {
    parts.push(json.subarray(at, start), by);
    at = end;
  }
  parts.push(json.subarray(at));
  return Buffer.concat(parts);
}

const code = (character: string): number => character.charCodeAt(0);
const [quote, backslash, comma, colon] = [code('"'), code('\\'), code(','), code(':')];
const [objectStart, objectEnd, arrayStart, arrayEnd] = [code('{'), code('}'), code('['), code(']')];

/** Walks through text that is known to be JSON. */
class Cuts {
  readonly #json: Buffer;
  readonly #cuts: Cut[] = [];
  #at = 0;

  constructor(json: Buffer) {
    this.#json = json;
  }

  make(edits: readonly JsonEdit[]): readonly Cut[] {
    this.#skipBlanks();
    this.#lookInto(
      edits.map((edit) => ({ edit, step: 0 })),
      0,
    );
    return this.#cuts;
  }

  /** Passes a value that no edit ends at. */
  #lookInto(progress: readonly Progress[], depth: number): void {
    const first = this.#json[this.#at];
    if (progress.length === 0 || (first !== objectStart && first !== arrayStart)) return this.#skipValue();
    if (depth >= nestingMax) throw new RangeError(`it is nested deeper than ${nestingMax}`);
    this.#children({ progress, depth, isObject: first === objectStart });
  }

  /**
   * One that is left out takes the comma before it with it; where all before it are left out too, what stands between it and
   * the next one.
   */
  #children({
    progress,
    depth,
    isObject,
  }: {
    progress: readonly Progress[];
    depth: number;
    isObject: boolean;
  }): void {
    const close = isObject ? objectEnd : arrayEnd;
    this.#at += 1;
    this.#skipBlanks();
    // Where the last child that stays ends; null while there is none.
    let kept: number | null = null;
    while (this.#json[this.#at] !== close) {
      const start = this.#at;
      const name = isObject ? this.#name() : null;
      const stays = this.#child(nextOf(progress, name), depth + 1);
      const end = this.#at;
      this.#skipBlanks();
      const isLast = this.#json[this.#at] !== comma;
      if (!isLast) {
        this.#at += 1;
        this.#skipBlanks();
      }
      if (stays) kept = end;
      else if (kept !== null) this.#cuts.push({ start: kept, end, by: nothing });
      else this.#cuts.push({ start, end: isLast ? end : this.#at, by: nothing });
      if (!stays && kept !== null) kept = end;
    }
    this.#at += 1;
  }

  /** Passes a value; answers whether it stays, as it is or replaced. */
  #child(progress: readonly Progress[], depth: number): boolean {
    const hit = progress.find(({ edit, step }) => step === edit.path.length);
    if (!hit) {
      this.#lookInto(progress, depth);
      return true;
    }
    const start = this.#at;
    this.#skipValue();
    const value = this.#json.subarray(start, this.#at);
    const by = hit.edit.replace(value);
    if (by && by !== value) this.#cuts.push({ start, end: this.#at, by });
    return by !== null;
  }

  /** The member's name; stands at its value afterwards. */
  #name(): string {
    const start = this.#at;
    this.#skipString();
    const raw = this.#json.toString('utf8', start, this.#at);
    this.#skipBlanks();
    if (this.#json[this.#at] !== colon) throw new SyntaxError('a member has no value');
    this.#at += 1;
    this.#skipBlanks();
    return raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1);
  }

  #skipValue(): void {
    for (let open = 0; ; ) {
      const byte = this.#json[this.#at];
      if (byte === quote) this.#skipString();
      else if (byte === objectStart || byte === arrayStart) {
        open += 1;
        this.#at += 1;
      } else if (byte === objectEnd || byte === arrayEnd) {
        open -= 1;
        this.#at += 1;
      } else if (byte === comma || byte === colon || isBlank(byte)) this.#at += 1;
      else this.#skipWord();
      if (open === 0) return;
    }
  }

  /** A number, true, false or null. */
  #skipWord(): void {
    for (; this.#at < this.#json.length; this.#at += 1) {
      const byte = this.#json[this.#at];
      if (byte === comma || byte === objectEnd || byte === arrayEnd || isBlank(byte)) return;
    }
  }

  #skipString(): void {
    for (this.#at += 1; this.#json[this.#at] !== quote; this.#at += 1)
      if (this.#json[this.#at] === backslash) this.#at += 1;
    this.#at += 1;
  }

  #skipBlanks(): void {
    while (isBlank(this.#json[this.#at])) this.#at += 1;
  }
}

const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * How far the edits come at a child; `name` is null for an element of an array. Each stand once: in deep JSON of one name `..`
 * would reach it in many ways.
 */
function nextOf(progress: readonly Progress[], name: string | null): readonly Progress[] {
  const next: Progress[] = [];
  const add = ({ edit, step }: Progress) => {
    if (!next.some((one) => one.edit === edit && one.step === step)) next.push({ edit, step });
  };
  for (const { edit, step } of progress) {
    const wanted = edit.path[step];
    if (!wanted) continue;
    if (wanted.name === null || wanted.name === name) add({ edit, step: step + 1 });
    if (wanted.deep) add({ edit, step });
  }
  return next;
}
