/** Prints the reference table of settings: `node apps/relay/src/configuration-table.ts > docs/configuration.md`. */
import { settingsOf } from '@diptych/runtime/configuration';
import { configurationSchema } from './configuration.ts';

/** docs/configuration.md, whole. A test compares the two. */
export function configurationPage(): string {
  const rows = settingsOf(configurationSchema).map((setting) => {
    const { path, variable, default: fallback, required, description } = setting;
    const shown = required
      ? 'required'
      : fallback === undefined
        ? '–'
        : `\`${JSON.stringify(fallback).replaceAll('|', '\\|')}\``;
    return `| \`${path}\` | \`${variable}\` | ${shown} | ${description} |`;
  });
  return `# Configuration

The relay reads \`diptych.config.json\` (or the file that \`--config\` or \`DIPTYCH_CONFIG\` names) and the environment, which wins. Unknown
settings are refused by name. Lists are separated by commas in the environment. This page is generated from the schema in
\`apps/relay/src/configuration.ts\` by \`npm run docs:configuration\`.

| setting | variable | default | meaning |
|---|---|---|---|
${rows.join('\n')}

Besides: \`DIPTYCH_LOG_LEVEL\` (\`info\`), and for the test kit and the demo \`DIPTYCH_STACK\`, \`DIPTYCH_CACHE\`, \`DIPTYCH_POSTGRES_IMAGE\`,
\`DIPTYCH_KAFKA_IMAGE\`.
`;
}

if (import.meta.main) process.stdout.write(configurationPage());
