/**
 * `npm run build --workspace apps/relay`: the relay's command as a few files in `dist`, for whoever starts it often or counts its
 * memory, as the image does. From its sources Node loads 1,300 modules (docs/decisions/0046-bundle.md).
 */
import { fileURLToPath } from 'node:url';
import { clientPlaces } from '@diptych/kafka/client-places';
import { build, type Plugin } from 'rolldown';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** What `packages/kafka/src/client-modules.ts` asks for at places that it computes: a bundler has to be told. */
const clientModules: Plugin = {
  name: 'client-modules',
  load(id) {
    if (!id.endsWith('/packages/kafka/src/client-modules.ts')) return null;
    const whole = import.meta.resolve('@platformatic/kafka');
    const pathOf = (place: string) => JSON.stringify(fileURLToPath(new URL(place, whole)));
    return Object.entries(clientPlaces)
      .map(([name, place]) => `export * as ${name} from ${pathOf(place)};`)
      .join('\n');
  },
};

const codecs = '@platformatic/wasm-utils';

/**
 * The client's codecs of lz4 and snappy are WebAssembly: 3 MB, compiled as soon as they are loaded. Here it is when the first batch
 * comes that somebody compressed so, or where there is no native CRC-32C.
 */
const codecsAtNeed: Plugin = {
  name: 'codecs-at-need',
  resolveId: (id) => (id === codecs ? `\0${codecs}` : null),
  load(id) {
    if (id !== `\0${codecs}`) return null;
    const names = ['crc32c', 'lz4Compress', 'lz4Decompress', 'snappyCompress', 'snappyDecompress'];
    return [
      `import { createRequire } from 'node:module';`,
      'const load = createRequire(import.meta.url);',
      ...names.map((name) => `export const ${name} = (bytes) => load('${codecs}').${name}(bytes);`),
    ].join('\n');
  },
};

/** One character beyond Latin-1, and V8 keeps two bytes for each of the file's. Only literals have such: comments are gone. */
const inAscii: Plugin = {
  name: 'in-ascii',
  generateBundle(_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type !== 'chunk') continue;
      file.code = file.code.replace(
        /[^\0-\x7f]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    }
  },
};

await build({
  input: { main: here('src/main.ts') },
  platform: 'node',
  external: [
    // Native code stays where it is; `pg` tries for one that nobody has.
    '@node-rs/crc32',
    'pg-native',
    // Changed by our sources where they are found: a copy would stay as it is.
    /^pg-protocol(\/|$)/,
    /^kafkajs(\/|$)/,
  ],
  plugins: [clientModules, codecsAtNeed, inAscii],
  logLevel: 'warn',
  output: {
    dir: here('dist'),
    format: 'esm',
    cleanDir: true,
    // Names stay as they are: messages and stack traces are read.
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  },
});
