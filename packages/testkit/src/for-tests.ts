import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { createDatabase, dropDatabase } from './database.ts';
import './vitest-stack.ts';

/** A fresh, empty database on the run's server; its URL is a superuser's. `drop` ends its sessions and slots first. */
export async function testDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const url = await createDatabase(inject('diptychDatabaseUrl'));
  return { url, drop: () => dropDatabase(url) };
}

/** The run's brokers, each `host:port`, plain text. Topics are not created by themselves. */
export function testBrokers(): readonly string[] {
  return inject('diptychBrokers');
}

/** Another one at each call, of `[a-z0-9_]`: topics, slots, publications and groups of one test begin or end with it. */
export function testPrefix(): string {
  return `t_${randomBytes(6).toString('hex')}`;
}
