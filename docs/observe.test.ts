/** Alert rules and dashboard rest on metrics that there are. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Board } from '@diptych/relay-app/board';
import { Metrics } from '@diptych/relay-app/metrics';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const rules = read('docker/observe/alerts.yml');
const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map((match) => match[1] ?? '');
const alertExpressions = [...rules.matchAll(/^ +expr: (.+)$/gm)].map((match) => match[1] ?? '');

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}
const { panels } = JSON.parse(read('docker/observe/grafana/dashboards/diptych.json')) as Dashboard;
const panelExpressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

/** All time series of a relay, and what Prometheus itself makes of each target. */
const series = new Set(
  new Metrics(new Board()).registry
    .getMetricsAsArray()
    .flatMap(({ name, type }) =>
      String(type) === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name],
    )
    .concat('up'),
);

/** Metrics in an expression: with a prefix of ours or of Node's, or `up`. */
const metricsIn = (expression: string): string[] =>
  [...expression.matchAll(/\b(?:(?:diptych|nodejs|process)_\w+|up)\b(?!=)/g)]
    .map(([name]) => name)
    .filter((name) => name !== 'process' && !expression.includes(`"${name}"`));

describe('alert rules and dashboard', () => {
  test('use metrics only that a relay has, and each uses one', () => {
    const all = [...alertExpressions, ...panelExpressions];
    expect(alertExpressions.length).toBe(alerts.length);
    expect(all.filter((expression) => metricsIn(expression).length === 0)).toEqual([]);
    expect(all.flatMap(metricsIn).filter((name) => !series.has(name))).toEqual([]);
  });

  test('show every metric of the relay itself, so that none is for nobody', () => {
    const shown = new Set([...alertExpressions, ...panelExpressions].flatMap(metricsIn));
    const own = [...series].filter((name) => name.startsWith('diptych_') && !/_(sum|count)$/.test(name));
    expect(own.filter((name) => !shown.has(name))).toEqual([]);
  });

  test('lead each to a page that says what to do', () => {
    const headings = [...read('docs/observe.md').matchAll(/^### (\w+)$/gm)].map((match) => match[1]);
    expect(headings).toEqual(alerts);
    expect([...rules.matchAll(/runbook: 'docs\/observe\.md#(\w+)'/g)].map((match) => match[1])).toEqual(
      alerts.map((alert) => alert.toLowerCase()),
    );
  });
});

/** Debian's package `prometheus` has it; the images of CI need not. */
const promtool = ['promtool', '/usr/bin/promtool'].find((command) => {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

test.skipIf(promtool === undefined)('promtool takes the rules and the configuration', () => {
  const check = (what: string, file: string) =>
    execFileSync(promtool ?? '', ['check', what, join(root, 'docker/observe', file)], { encoding: 'utf8' });
  expect(check('rules', 'alerts.yml')).toContain(`${alerts.length} rules found`);
  expect(check('config', 'prometheus.yml')).toContain('SUCCESS');
});
