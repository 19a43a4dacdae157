/**
 * Which stack: a policy without effects. First what is wished for, from the environment alone; then, once the candidates
 * were looked at in order, what to take of them.
 */
export const stackKinds = ['external', 'containers', 'embedded'] as const;
export type StackKind = (typeof stackKinds)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

/** The candidates in the order of preference. `why` is the reason so far, one clause without a full stop. */
export type Wish =
  | { readonly tag: 'candidates'; readonly kinds: readonly StackKind[]; readonly why: string }
  | { readonly tag: 'refused'; readonly message: string; readonly remedy: string };

/** What a look at one candidate found. */
export type Finding =
  | { readonly tag: 'available'; readonly why: string }
  | { readonly tag: 'missing'; readonly missing: readonly Missing[] };

/** Something that is not there, and the shortest way to it. */
export interface Missing {
  readonly what: string;
  readonly way: string;
}

export type Choice =
  | { readonly tag: 'chosen'; readonly kind: StackKind; readonly why: string }
  | { readonly tag: 'refused'; readonly message: string; readonly remedy: string };

const externalVariables = ['DATABASE_URL', 'KAFKA_BROKERS'] as const;

/** What the environment asks for. A stack named explicitly is the only candidate: it never falls back. */
export function wishOf(env: Environment): Wish {
  const named = env.DIPTYCH_STACK ?? '';
  const unset = externalVariables.filter((name) => !env[name]);
  if (named === '') {
    if (unset.length === 0) {
      return { tag: 'candidates', kinds: ['external'], why: `${externalVariables.join(' and ')} are set` };
    }
    return { tag: 'candidates', kinds: ['containers', 'embedded'], why: '' };
  }
  const kind = stackKinds.find((known) => known === named);
  if (kind === undefined) {
    return {
      tag: 'refused',
      message: `DIPTYCH_STACK=${named} is not a stack`,
      remedy: `Set DIPTYCH_STACK to ${stackKinds.join(', ')}, or unset it.`,
    };
  }
  if (kind === 'external' && unset.length > 0) {
    return {
      tag: 'refused',
      message: `DIPTYCH_STACK=external, but ${unset.join(' and ')} ${unset.length > 1 ? 'are' : 'is'} not set`,
      remedy:
        'Set DATABASE_URL (postgres://user:password@host:port/database) and KAFKA_BROKERS (host:port, …).',
    };
  }
  return { tag: 'candidates', kinds: [kind], why: `DIPTYCH_STACK=${kind}` };
}

/**
 * Takes the first candidate that is available. `findings` are in the order of the candidates and end with the first
 * that is available; `why` names what the candidates before it lack.
 */
export function choose(
  wish: Extract<Wish, { tag: 'candidates' }>,
  findings: readonly { readonly kind: StackKind; readonly finding: Finding }[],
): Choice {
  const lacking: { kind: StackKind; missing: readonly Missing[] }[] = [];
  for (const { kind, finding } of findings) {
    if (finding.tag === 'missing') {
      lacking.push({ kind, missing: finding.missing });
      continue;
    }
    const before = lacking.flatMap(({ missing }) => missing.map(({ what }) => what));
    return { tag: 'chosen', kind, why: [wish.why, ...before].find((why) => why !== '') ?? finding.why };
  }
  const lines = lacking.map(
    ({ kind, missing }) => `  ${kind}: ${missing.map(({ what, way }) => `${what} (${way})`).join('; ')}`,
  );
  const [only] = wish.kinds;
  if (wish.kinds.length > 1) {
    return {
      tag: 'refused',
      message: `neither Postgres nor Kafka can be had\n${lines.join('\n')}\n  external: ${externalVariables.join(' and ')} are not set`,
      remedy: 'Do what stands in brackets for one of them, or name servers of your own.',
    };
  }
  return {
    tag: 'refused',
    message: `the ${only} stack was asked for, and something is missing\n${lines.join('\n')}`,
    remedy: 'Do what stands in brackets, or unset DIPTYCH_STACK to take another stack.',
  };
}
