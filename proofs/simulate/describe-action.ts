/** Actions of the state machine, in words for the trace. */
import type { Action } from '@diptych/delivery/protocol';
import { unreachable } from '@diptych/runtime/assert';
import { formatLsn } from '@diptych/wal/lsn';
import { describeProgress } from './promises.ts';
import { describeRecord, type RecordId } from './wal.ts';

export function describeAction(action: Action<RecordId>): string {
  switch (action.tag) {
    case 'publish':
      return `publish ${action.records.map(describeRecord).join(' ') || 'nothing'}; checkpoint ${describeProgress(action.progress)}`;
    case 'report':
      return `report flushed ${formatLsn(action.flushed)}, received ${formatLsn(action.received)}`;
    case 'end':
      return `end, ${action.reason.tag === 'refused' ? action.reason.code : action.reason.tag}`;
    case 'look':
    case 'fence':
    case 'read-checkpoint':
    case 'stream':
    case 'pause':
    case 'resume':
    case 'recover':
      return action.tag;
    default:
      return unreachable(action);
  }
}
