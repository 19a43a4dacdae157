import { createRequire } from 'node:module';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/**
 * JSON lines on standard error; readable lines when that is a terminal. Standard output belongs to what a command was
 * asked for. Row values and secrets are never logged.
 */
export function createLogger(
  name: string,
  options: { level?: string; destination?: DestinationStream } = {},
): Logger {
  const level = options.level ?? process.env.DIPTYCH_LOG_LEVEL ?? 'info';
  const settings = { name, level, base: { name, pid: process.pid } };
  if (options.destination) return pino(settings, options.destination);
  if (process.stderr.isTTY) {
    // Thirty modules that no service has to keep.
    const pretty = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
    return pino(
      settings,
      pretty({ destination: 2, ignore: 'pid,hostname', translateTime: 'HH:MM:ss.l', sync: true }),
    );
  }
  return pino(settings, pino.destination({ dest: 2, sync: true }));
}
