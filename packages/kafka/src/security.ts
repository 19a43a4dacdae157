/** TLS and login, as both clients are given them. */
import type { ConnectionOptions } from 'node:tls';
import { OperatingError } from '@diptych/runtime/failure';
import { type Brokers, type Login, SecuredBrokers } from '@diptych/runtime/kafka-access';
import { tlsOptions } from '@diptych/runtime/tls';

export interface Security {
  readonly tls: ConnectionOptions | null;
  readonly login: Login | null;
}

/** Reads the files that the settings name, as they are now. Throws OperatingError `configuration-invalid` when one is gone. */
export function securityOf(brokers: Brokers): Security {
  if (!(brokers instanceof SecuredBrokers)) return { tls: null, login: null };
  try {
    return { tls: tlsOptions(brokers.tls), login: brokers.login() };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OperatingError(
      'configuration-invalid',
      `a file of kafka.tls or kafka.sasl is gone: ${reason}`,
      {
        remedy: 'Put it back: certificates and passwords are read anew with each connection.',
        cause,
      },
    );
  }
}
