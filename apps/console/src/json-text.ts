/** Indented without being read as numbers, which a double would round: only what stands between its tokens is changed. */
export function indented(json: string): string {
  let depth = 0;
  const indent = (): string => `\n${'  '.repeat(depth)}`;
  return json.replace(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|\s+/g, (token) => {
    if (/^\s/.test(token)) return '';
    if (token === '{' || token === '[') {
      depth += 1;
      return token + indent();
    }
    if (token === '}' || token === ']') {
      depth -= 1;
      return indent() + token;
    }
    if (token === ',') return token + indent();
    return token === ':' ? ': ' : token;
  });
}
