import { createServer } from 'node:net';
import { freePorts } from '@diptych/testkit/port';

/** The port that the docs name, when nobody has it on this machine; else any free one. */
export async function preferredPort(documented: number): Promise<number> {
  if (await isFree(documented)) return documented;
  const [free = 0] = await freePorts(1);
  return free;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
