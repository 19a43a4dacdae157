import { expect, test } from 'vitest';
import { exitCodes, runCommandLine } from './command-line.ts';

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const code = await runCommandLine(args, {
    out: { write: (text) => (texts.out += text) },
    err: { write: (text) => (texts.err += text) },
  });
  return { code, ...texts };
}

test('bad use is told from an operating error, and each says the way out', async () => {
  expect(await run('report', '--colour')).toMatchObject({ code: exitCodes.badUse, out: '' });
  expect((await run('report', '--colour')).err).toContain('--help');
  const away = await run('report', '--brokers', 'localhost:1');
  expect(away.code).toBe(exitCodes.operating);
  expect(away.err).toContain('(kafka-unreachable)\n  → ');
});

test('help is no error', async () => {
  const { code, out } = await run('report', '--help');
  expect(code).toBe(exitCodes.ok);
  expect(out).toContain('--brokers');
});

test('the console refuses to listen beyond this machine without a token, before it asks anybody anything', async () => {
  const nobody = ['--brokers', 'localhost:1', '--database', 'postgres://localhost:1/nothing'];
  const { code, out, err } = await run('console', ...nobody, '--host', '0.0.0.0');
  expect({ code, out }).toEqual({ code: exitCodes.operating, out: '' });
  expect(err).toContain('(configuration-invalid)\n  → Set DIPTYCH_CONSOLE_TOKEN');
});
