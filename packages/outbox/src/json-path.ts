/** Places in JSON, in a part of JSONPath: names, `*`, and `..`. https://www.rfc-editor.org/rfc/rfc9535 */

export interface PathStep {
  /** Null: every member and every element. */
  readonly name: string | null;
  /** Not only directly below, but at any depth. */
  readonly deep: boolean;
}

/** From the top of the JSON down; never empty. */
export type JsonPath = readonly PathStep[];

const step = /(\.\.|\.)(?:(\*)|([^\s.[\]*'"$]+))|(\.\.)?\[(?:(\*)|'((?:[^'\\]|\\['\\])*)')\]/uy;

/**
 * Reads `$.customer.email`, `$.lines[*].note`, `$..iban`, `$['odd name']`. An index and a filter are none of it: a place that is
 * to be hidden is hidden in every element. Throws SyntaxError.
 */
export function parseJsonPath(text: string): JsonPath {
  const refuse = (): never => {
    throw new SyntaxError(
      `${JSON.stringify(text)} is no path: $ and then .name, ['name'], .*, [*] or ..name, as in $.lines[*].note`,
    );
  };
  if (!text.startsWith('$')) return refuse();
  const steps: PathStep[] = [];
  for (let at = 1; at < text.length; at = step.lastIndex) {
    step.lastIndex = at;
    const match = step.exec(text);
    if (!match) return refuse();
    const [, dots, , word, deepBracket, , quoted] = match;
    const name = word ?? quoted?.replace(/\\(['\\])/g, '$1') ?? null;
    steps.push({ name, deep: (dots ?? deepBracket) === '..' });
  }
  return steps.length > 0 ? steps : refuse();
}
