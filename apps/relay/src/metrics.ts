import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Board } from './board.ts';
import type { PublishedRecord } from './panels.ts';
import type { TableReading } from './snapshot/reading-watch.ts';

/** The relay's metrics; units stand in the names. https://prometheus.io/docs/practices/naming/ */
export class Metrics {
  readonly registry = new Registry();
  readonly records = new Counter({
    name: 'diptych_records_published_total',
    help: 'Records committed to Kafka, by panel (parked: set aside, docs/parking.md)',
    labelNames: ['panel'] as const,
    registers: [this.registry],
  });
  readonly transactions = new Counter({
    name: 'diptych_transactions_published_total',
    help: 'Transactions of Postgres committed to Kafka whole',
    registers: [this.registry],
  });
  readonly batches = new Counter({
    name: 'diptych_kafka_transactions_total',
    help: 'Kafka transactions, by outcome',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });
  readonly batchBytes = new Histogram({
    name: 'diptych_kafka_transaction_bytes',
    help: 'Bytes of a Kafka transaction',
    buckets: [1e3, 1e4, 1e5, 1e6, 4e6, 1.6e7],
    registers: [this.registry],
  });
  readonly commitToKafka = new Histogram({
    name: 'diptych_commit_to_kafka_seconds',
    help: 'From the commit in Postgres to the commit in Kafka',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300],
    registers: [this.registry],
  });
  readonly sessions = new Counter({
    name: 'diptych_sessions_total',
    help: 'Replication sessions begun',
    registers: [this.registry],
  });

  constructor(board: Board) {
    collectDefaultMetrics({ register: this.registry });
    const gauge = (name: string, help: string, read: () => number) =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(read());
        },
      });
    gauge('diptych_lag_bytes', 'WAL behind the end of the log', () => Number(board.lagBytes ?? 0n));
    gauge('diptych_lag_seconds', 'Age of the oldest transaction that waits', () => board.lagMs() / 1000);
    gauge('diptych_received_lsn_bytes', 'Last position seen', () => Number(board.received));
    gauge('diptych_published_lsn_bytes', 'Last position committed to Kafka', () => Number(board.published));
    gauge('diptych_flushed_lsn_bytes', 'Last position confirmed to the server', () => Number(board.flushed));
    gauge('diptych_parked_keys', 'Keys that wait in the parked topic', () => board.parkedKeys);
    gauge('diptych_snapshot_tables', 'Tables that a snapshot is reading, or has yet to read', () =>
      board.snapshot === null ? 0 : board.snapshot.tables.length,
    );
    gauge('diptych_snapshot_rows', 'Rows that were read of these tables', () =>
      sumOf(board, ({ rows }) => rows),
    );
    gauge('diptych_snapshot_estimated_rows', 'Rows that the statistics say these tables have', () =>
      sumOf(board, ({ estimatedRows }) => estimatedRows ?? 0),
    );
    gauge('diptych_stalled', '1 while the position stands still although WAL waits', () =>
      board.standstill === null ? 0 : 1,
    );
    gauge('diptych_active', '1 while this relay holds the slot', () => (board.role === 'active' ? 1 : 0));
  }
  /** Counts what one Kafka transaction committed. */
  countPublished(records: readonly PublishedRecord[]): void {
    const nowMs = Date.now();
    let bytes = 0;
    // Nearly all are of three kinds. In variables: a property that is found by its name costs more than the rest of this.
    let [change, domain, transaction] = [0, 0, 0];
    const others = { parked: 0, heartbeat: 0, snapshot: 0 };
    for (const { panel, timestampMs, bytes: size } of records) {
      bytes += size;
      if (panel === 'change') change += 1;
      else if (panel === 'domain') domain += 1;
      else if (panel === 'transaction') {
        transaction += 1;
        this.commitToKafka.observe(Math.max(0, nowMs - timestampMs) / 1000);
      } else others[panel] += 1;
    }
    // Together: the client library looks a counter up by its labels each time.
    for (const [panel, count] of Object.entries({ domain, change, transaction, ...others }))
      if (count > 0) this.records.inc({ panel }, count);
    this.transactions.inc(transaction);
    this.batchBytes.observe(bytes);
  }
}

const sumOf = ({ snapshot }: Board, of: (table: TableReading) => number): number =>
  (snapshot?.tables ?? []).reduce((sum, table) => sum + of(table), 0);
