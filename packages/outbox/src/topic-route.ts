/**
 * Which topic a row goes to, as Kafka Connect's RegexRouter decides it: a value that the expression matches as a whole is
 * replaced, any other is the topic itself. The replacement is Java's: `$1`, `${name}`, and a backslash before what is meant
 * literally. https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/regex/Matcher.html#replaceAll(java.lang.String)
 */

type Part = { readonly text: string } | { readonly group: string };

/** The topic of a value. */
export type TopicRoute = (value: string) => string;

/** Throws SyntaxError for an expression or a replacement that cannot be, and for a group that the expression lacks. */
export function topicRoute({ regex, replacement }: { regex: string; replacement: string }): TopicRoute {
  const whole = new RegExp(`^(?:${regex})$`);
  const parts = partsOf(replacement);
  const groups = groupsOf(whole);
  for (const part of parts) {
    if ('group' in part && !groups.has(part.group)) {
      throw new SyntaxError(`the expression has no group ${part.group}`);
    }
  }
  return (value) => {
    const match = whole.exec(value);
    if (!match) return value;
    return parts
      .map((part) =>
        'text' in part ? part.text : (match.groups?.[part.group] ?? match[Number(part.group)] ?? ''),
      )
      .join('');
  };
}

/** Names and numbers of the groups: an alternative that matches the empty text shows them all. */
function groupsOf({ source }: RegExp): ReadonlySet<string> {
  const match = new RegExp(`${source}|`).exec('');
  return new Set([...Object.keys(match ?? []), ...Object.keys(match?.groups ?? {})]);
}

function partsOf(replacement: string): Part[] {
  const parts: Part[] = [];
  let rest = replacement;
  while (rest !== '') {
    const [all, literal, escaped, name, number] =
      /^(?:([^\\$]+)|\\(.)|\$\{([A-Za-z][A-Za-z0-9]*)\}|\$(\d))/su.exec(rest) ?? [];
    if (all === undefined) throw new SyntaxError(`the replacement ends its sense at "${rest}"`);
    const group = name ?? number;
    parts.push(group === undefined ? { text: literal ?? escaped ?? '' } : { group });
    rest = rest.slice(all.length);
  }
  return parts;
}
