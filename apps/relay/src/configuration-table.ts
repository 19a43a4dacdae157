/** Prints the reference table of settings: `node apps/relay/src/configuration-table.ts > docs/configuration.md`. */
import { settingsOf } from '@diptych/runtime/configuration';
import { configurationSchema } from './configuration.ts';
import { outboxSchema } from './outbox-configuration.ts';

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
  const outboxRows = settingsOf(outboxSchema).map(({ path, default: fallback, description }) => {
    const shown = fallback === undefined ? '–' : `\`${JSON.stringify(fallback).replaceAll('|', '\\|')}\``;
    return `| \`${path.replace(/^router\./, '')}\` | ${shown} | ${description} |`;
  });
  return `# Configuration

The relay reads \`diptych.config.json\` (or the file that \`--config\` or \`DIPTYCH_CONFIG\` names) and the environment, which wins. Unknown
settings are refused by name. Lists are separated by commas in the environment. This page is generated from the schema in
\`apps/relay/src/configuration.ts\` by \`npm run docs:configuration\`.

| setting | variable | default | meaning |
|---|---|---|---|
${rows.join('\n')}

## An outbox with settings of its own
An entry of \`outboxes\`: \`{"table": "public.orders_outbox", "onPoison": "stop", "router": {"route.by.field": "kind"}}\`. What begins with
\`route.\` or \`table.\` stands in \`router\`, and has the name and the meaning that it has for Debezium’s Outbox Event Router ([outbox.md](outbox.md)).

| setting | default | meaning |
|---|---|---|
${outboxRows.join('\n')}

Besides: \`DIPTYCH_LOG_LEVEL\` (\`info\`), and for the test kit and the demo \`DIPTYCH_STACK\`, \`DIPTYCH_CACHE\`, \`DIPTYCH_POSTGRES_IMAGE\`,
\`DIPTYCH_KAFKA_IMAGE\`.
`;
}

if (import.meta.main) process.stdout.write(configurationPage());
