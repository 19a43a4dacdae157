interface Family {
  /** Its lines HELP and TYPE. */
  readonly head: string[];
  readonly samples: string[];
}

/**
 * The answers of several registries as one: Prometheus takes what has one name only together, under one head.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
 */
export function mergedMetrics(texts: readonly string[]): string {
  const families = new Map<string, Family>();
  for (const text of texts) {
    let family: Family = { head: [], samples: [] };
    for (const line of text.split('\n')) {
      const [, what, name = ''] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (what === undefined) {
        if (line !== '') family.samples.push(line);
        continue;
      }
      family = families.get(name) ?? { head: [], samples: [] };
      families.set(name, family);
      if (!family.head.some((known) => known.startsWith(`# ${what} `))) family.head.push(line);
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
  return lines.map((line) => `${line}\n`).join('');
}
