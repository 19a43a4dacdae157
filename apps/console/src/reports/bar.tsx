interface Props {
  readonly parts: readonly {
    readonly value: number;
    readonly kind: 'meant' | 'done' | 'leak' | 'drift' | 'lost' | 'none';
  }[];
}

/** Shares of a whole, beside figures that say them: nothing to be read out. */
export function Bar({ parts }: Props) {
  const whole = parts.reduce((sum, { value }) => sum + value, 0);
  return (
    <span class="share" aria-hidden="true">
      {parts.map(({ value, kind }) =>
        value === 0 ? null : (
          <i key={kind} class={`is-${kind}`} style={{ flexGrow: Math.max(value / whole, 0.004) }} />
        ),
      )}
    </span>
  );
}
