/**
 * The leak report as plain data, for a reference to a transaction of whatever kind. Types alone, and none from elsewhere: a
 * bundle for a browser may import it.
 */

/** What a transaction said of its writer (docs/wire.md, "Records"); what it did not say is null. */
export interface Writer {
  /** `application_name` of the session. */
  readonly application: string | null;
  /** The role that logged in. */
  readonly user: string | null;
  /** Its address; null also of a local socket. */
  readonly client: string | null;
}

/** A shape of which transactions carried no event. */
export interface LeakShapeOf<Reference> {
  readonly shape: string;
  /** `never`: no transaction of this shape carried an event; `sometimes`: others did. */
  readonly carries: 'never' | 'sometimes';
  readonly transactions: number;
  /** Those without an event. */
  readonly leaks: number;
  /** With an event, of 100, three decimals. */
  readonly percent: number;
  /** With which events it travelled, the most frequent first. */
  readonly events: readonly { readonly type: string; readonly transactions: number }[];
  /** Who wrote those without an event, the most frequent first; null: they did not say. */
  readonly writers: readonly { readonly writer: Writer | null; readonly transactions: number }[];
  readonly first: Reference;
  readonly last: Reference;
  /** The first ones, a hundred at most, in commit order. */
  readonly examples: readonly Reference[];
}

export interface AuditOf<Reference> {
  /** `schema.table`, sorted: those given, or those learned. */
  readonly tables: readonly string[];
  /** That changed an audited table, without those of accepted shapes. */
  readonly transactions: number;
  readonly withEvent: number;
  readonly leaks: number;
  /** `withEvent` of 100 `transactions`, three decimals, never rounded up to 100; null without any. */
  readonly percent: number | null;
  /** Not accepted, those with the most leaks first. */
  readonly shapes: readonly LeakShapeOf<Reference>[];
  readonly accepted: readonly (LeakShapeOf<Reference> & { readonly reason: string })[];
  /** Accepted shapes that no transaction had without an event: the file may forget them. */
  readonly acceptedUnused: readonly string[];
  /** Events whose transaction changed no row, by type, the most frequent first. */
  readonly rowless: readonly {
    readonly type: string;
    readonly transactions: number;
    readonly first: Reference;
    readonly last: Reference;
  }[];
}
