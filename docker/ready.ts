/** The health check of a service's container: `node docker/ready.ts <url>` ends with 0 when the answer is 2xx, else with 1. */

/** Shorter than the health check's own limit (docker-compose.yml), so that it is this process that says why. */
const answerTimeoutMs = 2_000;

const [url = ''] = process.argv.slice(2);
try {
  const answer = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) });
  // The engine keeps the output: `docker inspect` shows what the service lacks.
  process.stdout.write(`${answer.status} ${await answer.text()}\n`);
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${url}: ${String(error)}\n`);
  process.exitCode = 1;
}
