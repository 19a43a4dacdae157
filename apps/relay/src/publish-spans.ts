/** One span for each transaction and trace context whose domain events are in Kafka: from the commit to Kafka's own. */
import { identityHeader, parseIdentity } from '@diptych/kafka/identity';
import type { Tracer } from '@diptych/runtime/tracing';
import { formatLsn } from '@diptych/wal/lsn';
import type { PublishedRecord } from './panels.ts';

interface Published {
  readonly identity: ReturnType<typeof parseIdentity>;
  readonly traceparent: string;
  readonly topics: Set<string>;
  events: number;
}

/** Tells of records that are in Kafka now. A transaction that was cut into several batches has a span of each. */
export function tracePublished(tracer: Tracer, records: readonly PublishedRecord[]): void {
  if (!tracer.isOn) return;
  const all = new Map<string, Published>();
  for (const record of records) {
    if (record.panel !== 'domain') continue;
    const headers = new Map(record.headers);
    const [told, traceparent] = [headers.get(identityHeader), headers.get('traceparent')];
    if (told === undefined || traceparent === undefined) continue;
    const identity = parseIdentity(told);
    const key = `${identity.timeline} ${identity.commitLsn} ${traceparent}`;
    const known = all.get(key) ?? { identity, traceparent, topics: new Set(), events: 0 };
    known.topics.add(record.topic);
    known.events += 1;
    all.set(key, known);
  }
  for (const { identity, traceparent, topics, events } of all.values()) {
    const [topic = '', ...others] = topics;
    tracer
      .start({
        name: others.length === 0 ? `publish ${topic}` : 'publish',
        kind: 'producer',
        parent: traceparent,
        startMs: Number(identity.commitTimeUs / 1000n),
        attributes: {
          'messaging.system': 'kafka',
          'messaging.operation.type': 'send',
          'messaging.destination.name': [...topics].join(','),
          'messaging.batch.message_count': events,
          'diptych.xid': identity.xid,
          'diptych.commit_lsn': formatLsn(identity.commitLsn),
        },
      })
      .end();
  }
}
