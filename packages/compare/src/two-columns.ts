/** Plain text side by side on a terminal. Every character counts as one column. */

/** Narrower columns than this are unreadable: then the right one goes below the left one. */
const columnMin = 28;
const divider = ' │ ';
const indent = '  ';

/**
 * Left and right lists of paragraphs, each wrapped to half of the width, or one below the other when that is too
 * narrow. `paint` colours a finished left line: colours take no room, so they come last.
 */
export function twoColumns({
  left,
  right,
  columns,
  paint = (text) => text,
}: {
  left: readonly string[];
  right: readonly string[];
  columns: number;
  paint?: (text: string) => string;
}): string[] {
  const width = Math.floor((columns - indent.length - divider.length) / 2);
  if (width < columnMin) {
    const single = Math.max(columnMin, columns - 2 * indent.length);
    return [
      ...left.flatMap((text) => wrap(text, single)).map((line) => indent + paint(line)),
      ...right.flatMap((text) => wrap(text, single)).map((line) => indent + indent + line),
    ];
  }
  const lefts = left.flatMap((text) => wrap(text, width));
  const rights = right.flatMap((text) => wrap(text, width));
  return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, row) => {
    const painted = paint((lefts[row] ?? '').padEnd(width));
    return `${indent}${painted}${divider}${rights[row] ?? ''}`.trimEnd();
  });
}

/** Breaks at spaces, and inside a word only when it is longer than a line; further lines are indented. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const cut = space > indent.length ? space : width;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = indent + rest.slice(cut).trimStart();
  }
  return [...lines, rest];
}

// Bidirectional overrides reorder what is shown around them: https://www.unicode.org/reports/tr9/#Explicit_Directional_Overrides
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** Data is shown, never obeyed: control characters, which can drive a terminal, are spelled out. */
export function visible(text: string): string {
  return text.replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
