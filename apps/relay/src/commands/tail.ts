import type { Configuration } from '../configuration.ts';

export async function tail(_options: {
  configuration: Configuration;
  fromBeginning: boolean;
  out: NodeJS.WritableStream;
}): Promise<void> {
  throw new Error('soon');
}
