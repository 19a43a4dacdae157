/** The profile `scale` of docker-compose.yml: the view that the docs show, on the Flink that runs it in the proofs. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test('Flink and its connector are those of the proofs', () => {
  const dockerfile = read('docker/scale/Dockerfile');
  const pom = read('proofs/flink/pom.xml');
  const versionOf = (artifact: string) =>
    new RegExp(`<artifactId>${artifact}</artifactId>\\s*<version>([^<]+)`).exec(pom)?.[1];
  expect(dockerfile).toContain(`FLINK_IMAGE=flink:${versionOf('flink-clients')}-`);
  expect(read('docker-compose.yml')).toContain(`flink:${versionOf('flink-clients')}-`);
  const connector = versionOf('flink-sql-connector-kafka');
  expect(dockerfile).toContain(
    `/flink-sql-connector-kafka/${connector}/flink-sql-connector-kafka-${connector}.jar`,
  );
});

test('the statements are those of the page, with the broker that containers reach', () => {
  const compose = read('docker-compose.yml');
  const view = read('proofs/flink/current-carts.sql');
  expect(read('docs/streaming-sql.md')).toContain(view.trim());
  expect(compose).toContain('./proofs/flink/current-carts.sql:/view/current-carts.sql:ro');
  const [, from = '', to = ''] = /sed 's\/(\S+)\/(\S+)\/'/.exec(compose) ?? [];
  expect(view.split(from)).toHaveLength(3);
  expect(compose).toContain(`INTERNAL://${to}`);
});

/** The command alone: no engine has to run. */
const hasCompose = (() => {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

interface Composed {
  readonly services: Record<
    string,
    { mem_limit?: string; user?: string; cap_drop?: string[]; ports?: { host_ip: string }[] }
  >;
}

test.skipIf(!hasCompose)(
  'docker compose takes each profile; `scale` is bounded, without root, and seen from this machine alone',
  () => {
    const composed = (...profiles: string[]): Composed['services'] => {
      const asked = profiles.flatMap((profile) => ['--profile', profile]);
      const config = execFileSync('docker', ['compose', ...asked, 'config', '--format', 'json'], {
        cwd: root,
      });
      return (JSON.parse(config.toString()) as Composed).services;
    };
    const usual = composed();
    const scale = Object.entries(composed('scale')).filter(([name]) => !(name in usual));
    expect(scale.map(([name]) => name).toSorted()).toEqual([
      'current-carts',
      'current-carts-topic',
      'flink-jobmanager',
      'flink-taskmanager',
    ]);
    for (const [name, service] of scale) {
      expect(service.mem_limit, name).toBeDefined();
      expect(service.cap_drop, name).toEqual(['ALL']);
      // Kafka's image has a user of its own.
      expect(service.user, name).toBe(name === 'current-carts-topic' ? undefined : 'flink');
      for (const { host_ip } of service.ports ?? []) expect(host_ip).toBe('127.0.0.1');
    }
    expect(Object.keys(composed('observe'))).toEqual(expect.arrayContaining(['prometheus', 'grafana']));
  },
);
