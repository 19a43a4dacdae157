/** `npm run contracts -- check | publish`: what a change of the cart's contracts breaks; publishing new versions. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeFinding, examine, isForbidden, publish, textOf } from '@diptych/events/publication';
import { cartContract } from './cart-events.ts';
import { asyncApiFile, domainAsyncApi, schemaDirectory } from './published.ts';

const [command, ...options] = process.argv.slice(2);

if (command === 'check') {
  const findings = examine(cartContract, schemaDirectory);
  const ok = !findings.some(isForbidden);
  const text = findings.map(describeFinding).join('') || 'nothing has changed\n';
  process.stdout.write(options.includes('--json') ? `${JSON.stringify({ ok, findings })}\n` : text);
  process.exitCode = ok ? 0 : 1;
} else if (command === 'publish') {
  for (const file of publish(cartContract, schemaDirectory)) process.stdout.write(`published ${file}\n`);
  writeFileSync(join(schemaDirectory, asyncApiFile), textOf(domainAsyncApi()));
} else {
  process.stderr.write('usage: contracts check [--json] | publish\n');
  process.exitCode = 2;
}
