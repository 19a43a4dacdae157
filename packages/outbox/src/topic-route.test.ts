import { expect, test } from 'vitest';
import { topicRoute } from './topic-route.ts';

test.each([
  ['(?<routedByValue>.*)', `outbox.event.\${routedByValue}`, 'User', 'outbox.event.User'],
  ['(.*)_v(\\d+)', 'events.$2.$1', 'user_v12', 'events.12.user'],
  ['(\\w+)-(x)?', '$1.$2', 'a-', 'a.'],
  ['.*', 'all\\$1', 'User', 'all$1'],
  ['User', 'people', 'UserCreated', 'UserCreated'],
  ['a|b', 'either', 'ab', 'ab'],
])(
  '%s to %s makes of %s the topic %s, as Kafka Connect’s RegexRouter does',
  (regex, replacement, value, topic) => {
    expect(topicRoute({ regex, replacement })(value)).toBe(topic);
  },
);

test.each([
  ['(', 'x', /group/],
  ['(?<a>.*)', `\${b}`, 'no group b'],
  ['.*', '$1', 'no group 1'],
  ['.*', 'x$', 'ends its sense'],
])('%s to %s is refused', (regex, replacement, message) => {
  expect(() => topicRoute({ regex, replacement })).toThrow(message);
});
