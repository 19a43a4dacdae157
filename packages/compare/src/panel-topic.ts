/** Which topics belong to the two panels (docs/wire.md, "Names and defaults"). */

export type PanelTopic =
  | { readonly tag: 'domain'; readonly aggregateType: string }
  | { readonly tag: 'change' }
  | { readonly tag: 'transaction' }
  /** Ours (checkpoint, parked, message, heartbeat) or anybody's; not part of either panel. */
  | { readonly tag: 'other' };

/** What the names of a relay's topics begin with. */
export interface PanelNames {
  /** Of change and transaction topics, without the dot: `diptych`. */
  readonly prefix: string;
  /** Of domain topics, with the dot. Default `outbox.event.`: relays that share a Kafka need different ones. */
  readonly domainPrefix?: string;
}

const other: PanelTopic = { tag: 'other' };

/** Says what a topic holds. Schema and table are read from the envelope: a dot in them is a dot in the topic too. */
export function classifyTopic(
  topic: string,
  { prefix, domainPrefix = 'outbox.event.' }: PanelNames,
): PanelTopic {
  if (topic.startsWith(domainPrefix)) {
    return { tag: 'domain', aggregateType: topic.slice(domainPrefix.length) };
  }
  if (!topic.startsWith(`${prefix}.`)) return other;
  const rest = topic.slice(prefix.length + 1);
  if (rest === 'transaction') return { tag: 'transaction' };
  // Topics of the relay's own have one part after the prefix, or begin with `checkpoint.`; tables have two parts.
  if (rest.startsWith('checkpoint.') || !/^[^.].*\../.test(rest)) return other;
  return { tag: 'change' };
}

/** Whether a topic has to be read in order to join both panels. */
export function isPanelTopic(topic: string, names: PanelNames): boolean {
  return classifyTopic(topic, names).tag !== 'other';
}
