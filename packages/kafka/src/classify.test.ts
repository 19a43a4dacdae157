import { AssertionError } from '@diptych/runtime/assert';
import { OperatingError } from '@diptych/runtime/failure';
import { MultipleErrors, NetworkError, ProtocolError } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { classify, errorCodes } from './classify.ts';
import { DeadlineError } from './deadline.ts';

const network = new NetworkError('connection closed');

function kafkajsError(type: string): Error {
  const protocol = Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type });
  return Object.assign(new kafkajs.KafkaJSNonRetriableError('failed'), { cause: protocol });
}

test.each(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING'])(
  '%s means fenced, from either client and however deep',
  (type) => {
    expect(classify(kafkajsError(type), 'publishing').code).toBe('publisher-fenced');
    const nested = new MultipleErrors('send failed', [network, new ProtocolError(type)]);
    expect(classify(new MultipleErrors('failed 2 times', [nested]), 'publishing').code).toBe(
      'publisher-fenced',
    );
  },
);

test('a batch that the broker finds too large is said to be too large', () => {
  expect(classify(new ProtocolError('MESSAGE_TOO_LARGE'), 'publishing').code).toBe('record-too-large');
});

test('a missing permission is refused, at any stage', () => {
  expect(classify(kafkajsError('TOPIC_AUTHORIZATION_FAILED'), 'publishing').code).toBe('kafka-refused');
  expect(classify(new ProtocolError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED'), 'asking').code).toBe(
    'kafka-refused',
  );
});

test('an unknown topic is refused while asking, but may be a moved leader while publishing', () => {
  expect(classify(kafkajsError('UNKNOWN_TOPIC_OR_PARTITION'), 'asking').code).toBe('kafka-refused');
  expect(classify(kafkajsError('UNKNOWN_TOPIC_OR_PARTITION'), 'publishing').code).toBe(
    'publish-outcome-unknown',
  );
});

test('a lost connection is unreachable before anything was begun, and an unknown outcome after', () => {
  expect(classify(network, 'asking').code).toBe('kafka-unreachable');
  expect(classify(network, 'publishing').code).toBe('publish-outcome-unknown');
  expect(classify(new DeadlineError('late'), 'publishing').code).toBe('publish-outcome-unknown');
});

test('our own errors pass as they are, and a programmer error is thrown on', () => {
  const ours = new OperatingError('record-too-large', 'big', { remedy: 'shrink' });
  expect(classify(ours, 'asking')).toBe(ours);
  expect(() => classify(new AssertionError('bug'), 'asking')).toThrow(AssertionError);
});

test('errors that are their own cause end', () => {
  const error = new Error('round');
  error.cause = error;
  expect([...errorCodes(error)]).toEqual(['Error']);
});
