/** The statements that the doctor prints, and which of them it runs by itself. */

import { OperatingError } from '@diptych/runtime/failure';
import { describe, expect, test } from 'vitest';
import { configurationSchema } from '../configuration.ts';
import { bytesText, type Finding, findings, serverSetting, settingAtRestart, sql } from './finding.ts';
import { kafkaStatement } from './kafka-statement.ts';
import { examineSubject } from './subject.ts';

const configuration = configurationSchema.parse({
  database: { url: 'postgres://h/d' },
  kafka: { brokers: ['h:1'] },
});
const wish = { configuration, longTransactionSeconds: 300 };

describe('a statement', () => {
  test('of Kafka is what its own tool is told', () => {
    const brokers = ['a:1', 'b:2'];
    const settings = { 'retention.ms': '-1', 'cleanup.policy': 'delete' };
    expect(kafkaStatement({ tag: 'settings', topic: 't', settings }, brokers)).toBe(
      'kafka-configs.sh --bootstrap-server a:1,b:2 --alter --entity-type topics --entity-name t --add-config retention.ms=-1,cleanup.policy=delete',
    );
    const topic = { name: 't', partitions: 6, replicationFactor: 3, config: { 'retention.ms': '-1' } };
    expect(kafkaStatement({ tag: 'create-topic', topic }, brokers)).toBe(
      'kafka-topics.sh --bootstrap-server a:1,b:2 --create --topic t --partitions 6 --replication-factor 3 --config retention.ms=-1',
    );
    const allow = {
      tag: 'allow',
      principal: 'User:r',
      resource: 'topic',
      name: 'p.',
      pattern: 'prefixed',
    } as const;
    expect(kafkaStatement({ ...allow, operations: ['Read', 'Write'] }, brokers)).toBe(
      'kafka-acls.sh --bootstrap-server a:1,b:2 --add --allow-principal User:r --operation Read --operation Write --topic p. --resource-pattern-type prefixed',
    );
  });

  test('of the server is followed by what makes it count: a reload, or a restart by a person', () => {
    const texts = (remedies: ReturnType<typeof serverSetting>) =>
      remedies.map(({ tag, statement }) => [tag, statement]);
    expect(texts(serverSetting('fsync', 'on'))).toEqual([
      ['sql', `alter system set fsync = 'on'`],
      ['sql', 'select pg_reload_conf()'],
    ]);
    expect(texts(settingAtRestart('wal_level', 'logical')).at(-1)?.[0]).toBe('act');
  });

  test('has sizes as Postgres takes them', () => {
    expect([bytesText(10 * 1024 ** 3), bytesText(1536 * 1024 ** 2), bytesText(0)]).toEqual([
      '10 GB',
      '1.5 GB',
      '0 B',
    ]);
  });
});

describe('a check', () => {
  test('without a complaint says that all is well, and with some says each', () => {
    expect(findings('c', [], 'well')).toEqual([{ tag: 'ok', check: 'c', object: null, message: 'well' }]);
    const complaint = { tag: 'wrong', message: 'm', remedies: [sql('select 1')] } as const;
    expect(
      findings('c', [complaint, { ...complaint, object: 'o' }], 'well').map(({ object }) => object),
    ).toEqual([null, 'o']);
  });

  test('that cannot look says so, and what would let it', async () => {
    const read = () =>
      Promise.reject(new OperatingError('postgres-privilege-missing', 'no', { remedy: 'Grant it.' }));
    const found: Finding[] = await examineSubject({ name: 'role', read, checks: [] }, { source: null, wish });
    expect(found).toEqual([
      {
        ...{ tag: 'unseen', check: 'role', object: null },
        message: 'could not be looked at: no (postgres-privilege-missing)',
        remedies: [{ tag: 'act', statement: 'Grant it.' }],
      },
    ]);
    const broken = () => Promise.reject(new TypeError('a bug'));
    await expect(
      examineSubject({ name: 'role', read: broken, checks: [] }, { source: null, wish }),
    ).rejects.toThrow('a bug');
  });
});
