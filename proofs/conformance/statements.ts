/**
 * A script cut into its statements, so that each is sent alone, as psql does: several in one message would be one
 * transaction. https://www.postgresql.org/docs/18/sql-syntax-lexical.html
 */

/** What hides a semicolon: comments, strings, quoted names, dollar quotes. */
const token =
  /--[^\n]*|\/\*[\s\S]*?\*\/|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_][A-Za-z_0-9]*)?\$|;|begin\s+atomic\b[\s\S]*?\bend\b/gi;

/** The statements without their semicolons, in order; empty ones and comments alone are left out. */
export function splitStatements(script: string): string[] {
  const statements: string[] = [];
  let start = 0;
  token.lastIndex = 0;
  for (let match = token.exec(script); match; match = token.exec(script)) {
    const [text] = match;
    if (text.startsWith('$')) {
      const close = script.indexOf(text, token.lastIndex);
      token.lastIndex = close < 0 ? script.length : close + text.length;
    } else if (text === ';') {
      statements.push(script.slice(start, match.index));
      start = token.lastIndex;
    }
  }
  statements.push(script.slice(start));
  return statements.map((statement) => statement.trim()).filter((statement) => !isComment(statement));
}

function isComment(text: string): boolean {
  return text.replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '').trim() === '';
}
