/** The expression for a pattern in which `*` stands for any characters, all others for themselves. */
export function patternExpression(pattern: string): RegExp {
  const source = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${source.join('.*')}$`, 's');
}
