/** Debezium's `source.snapshot`: where a row stands in its snapshot. https://debezium.io/documentation/reference/3.7/connectors/postgresql.html */
export type SnapshotMarker =
  | 'first'
  | 'first_in_data_collection'
  | 'true'
  | 'last_in_data_collection'
  | 'last'
  | 'incremental';

/** The marker of a row of an initial snapshot. The end is said first: of a single row, that it is the last. */
export function initialMarker(place: {
  readonly isFirst: boolean;
  readonly isFirstOfTable: boolean;
  readonly isLastOfTable: boolean;
  readonly isLast: boolean;
}): SnapshotMarker {
  if (place.isLast) return 'last';
  if (place.isFirst) return 'first';
  if (place.isLastOfTable) return 'last_in_data_collection';
  return place.isFirstOfTable ? 'first_in_data_collection' : 'true';
}
