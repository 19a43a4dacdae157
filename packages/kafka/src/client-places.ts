/**
 * Where the parts of `@platformatic/kafka` that we need stand in it, by the names that client-modules.ts gives them: whoever updates
 * the package sees here what moved (2.12.1).
 */
export const clientPlaces = {
  apis: './apis/index.js',
  clients: './clients/base/base.js',
  errors: './errors.js',
  protocol: './protocol/index.js',
} as const;
