/** The page, as it was built: what has a hash in its name for ever, the rest asked for again each time. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type AccessOptions, takeToken } from './access.ts';
import { refuse } from './problems.ts';

/** Where `npm run build` of the page puts it. */
export const builtPage = fileURLToPath(new URL('../../../console/dist', import.meta.url));

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Diptych</title>
<p>The console's page is not built: <code>npm run build --workspace apps/console</code>, then load this again.`;

/** Any path that is no file is one of the page's own views. */
export async function servePage(
  app: FastifyInstance,
  { directory, access }: { directory: string; access: AccessOptions },
): Promise<void> {
  await app.register(fastifyStatic, {
    root: directory,
    wildcard: true,
    // It may be built later.
    suppressWarning: true,
    index: false,
    redirect: false,
    dotfiles: 'deny',
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const isHashed = path.startsWith(join(directory, 'assets'));
      reply.header('cache-control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  const file = join(directory, 'index.html');
  const view = (request: FastifyRequest, reply: FastifyReply): FastifyReply =>
    takeToken(request, reply, access) ??
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(existsSync(file) ? readFileSync(file) : notBuilt);
  app.get('/', view);
  app.setNotFoundHandler((request, reply) => {
    const isView = /^(GET|HEAD)$/.test(request.method) && !/^\/(api|await|assets)(?![^/?])/.test(request.url);
    return isView ? view(request, reply) : refuse(reply, { code: 'route-not-found' });
  });
}
