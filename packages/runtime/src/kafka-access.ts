/** How Kafka is reached: brokers, TLS, login. https://kafka.apache.org/43/security/ */
import { z } from 'zod';
import { secretOf } from './database-access.ts';
import { type TlsSettings, tlsSettings, unreadable } from './tls.ts';

export const saslMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** Settings of Kafka besides its brokers. */
export const kafkaAccess = {
  tls: tlsSettings({ server: 'the brokers', unset: 'Unset: plain text.' }),
  sasl: z
    .strictObject({
      mechanism: z.enum(saslMechanisms).optional().meta({
        description:
          'How we log in at the brokers: `plain`, `scram-sha-256` or `scram-sha-512`. Unset: we do not.',
      }),
      username: z.string().min(1).optional().meta({ description: 'Who we are there.' }),
      password: z.string().min(1).optional().meta({ description: 'The password.', secret: true }),
      passwordFile: z.string().min(1).optional().meta({
        description:
          'A file that holds it, read with each connection; a line break at its end does not count.',
      }),
    })
    .superRefine(complete)
    .prefault({}),
};

export interface SaslSettings {
  readonly mechanism?: (typeof saslMechanisms)[number] | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
}

export interface KafkaAccess {
  readonly tls: TlsSettings;
  readonly sasl: SaslSettings;
}

/** Brokers that are not reached in plain text, or that want a login. Whoever prints it sees the addresses alone. */
export class SecuredBrokers {
  /** Each `host:port`. */
  readonly addresses: readonly string[];
  readonly #access: KafkaAccess;

  constructor(addresses: readonly string[], access: KafkaAccess) {
    this.addresses = addresses;
    this.#access = access;
  }

  get tls(): TlsSettings {
    return this.#access.tls;
  }

  /** Who we are and by which password, read from its file now; null when nobody asks. Throws what reading a file throws. */
  login(): Login | null {
    const { mechanism, username, password, passwordFile } = this.#access.sasl;
    if (mechanism === undefined || username === undefined) return null;
    const secret = passwordFile === undefined ? password : secretOf(passwordFile);
    return { mechanism, username, password: secret ?? '' };
  }
}

/** Bootstrap brokers; a plain list, each `host:port`, is plain text and no login. */
export type Brokers = readonly string[] | SecuredBrokers;

function complete(sasl: SaslSettings, context: z.core.$RefinementCtx): void {
  const { mechanism, username, password, passwordFile } = sasl;
  const refuse = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  const isSet = (username ?? password ?? passwordFile) !== undefined;
  if (mechanism === undefined && isSet)
    refuse('mechanism', 'is missing: plain, scram-sha-256 or scram-sha-512');
  if (mechanism !== undefined && username === undefined) refuse('username', 'is missing');
  if (mechanism !== undefined && (password ?? passwordFile) === undefined)
    refuse('password', 'is missing, and passwordFile too');
  if (passwordFile === undefined) return;
  if (password !== undefined) refuse('passwordFile', 'and password are two passwords: set one');
  const problem = unreadable(passwordFile);
  if (problem !== null) refuse('passwordFile', problem);
}

/** What these settings do not allow together. */
export function checkKafkaAccess({ tls, sasl }: KafkaAccess, context: z.core.$RefinementCtx): void {
  if (sasl.mechanism !== 'plain' || tls.mode !== undefined) return;
  context.addIssue({
    code: 'custom',
    path: ['tls', 'mode'],
    message:
      'has to be set with the mechanism plain, whose password anyone on the way can read without TLS; disable says that you know',
  });
}

/** Brokers as their settings say. */
export function brokersOf(addresses: readonly string[], { tls, sasl }: KafkaAccess): Brokers {
  const isPlain = (tls.mode ?? 'disable') === 'disable' && sasl.mechanism === undefined;
  return isPlain ? addresses : new SecuredBrokers(addresses, { tls, sasl });
}

/** The addresses alone, for messages and for those that connect. */
export const addressesOf = (brokers: Brokers): readonly string[] =>
  brokers instanceof SecuredBrokers ? brokers.addresses : brokers;

export interface Login {
  readonly mechanism: (typeof saslMechanisms)[number];
  readonly username: string;
  readonly password: string;
}
