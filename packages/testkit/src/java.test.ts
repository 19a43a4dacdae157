import { expect, test } from 'vitest';
import { findJava, parseJavaVersion } from './java.ts';

test.each([
  ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', { version: '17.0.15', major: 17 }],
  ['java version "1.8.0_392"\nJava(TM) SE Runtime Environment', { version: '1.8.0_392', major: 8 }],
  ['openjdk version "25" 2025-09-16', { version: '25', major: 25 }],
  ['openjdk version "26-ea" 2026-03-17', { version: '26-ea', major: 26 }],
  ['Unable to locate a Java Runtime.', undefined],
])('the version that java prints is read: %j', (output, expected) => {
  expect(parseJavaVersion(output)).toEqual(expected);
});

test('a JAVA_HOME without java is named, not passed over', async () => {
  const java = await findJava({ JAVA_HOME: '/nowhere', PATH: process.env.PATH });
  expect(java).toMatchObject({ tag: 'missing', why: expect.stringContaining('/nowhere/bin/java') });
});

test('without JAVA_HOME and without java on PATH it is missing', async () => {
  expect(await findJava({ PATH: '/nowhere' })).toMatchObject({ tag: 'missing' });
});
