import manifest from '../package.json' with { type: 'json' };

/** The product's version, as change events name it in `source.version`. */
export const version: string = manifest.version;
