import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { cloudEventAttributes, cloudEventHeaders, structuredCloudEvent } from './cloud-event.ts';
import { EventContract } from './event-contract.ts';
import { addressContract } from './examples/address-for-tests.ts';
import { describeFinding, examine, isForbidden, publish } from './publication.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'diptych-contracts-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const noted = (payload: z.ZodType) => ({
  Noted: EventContract.first({ since: '2026-01-01', payload, example: {} }),
});

test('what is published is as the contracts have it, and a second time nothing is written', () => {
  expect(publish(addressContract, directory)).toEqual(['AddressChanged.v1.json', 'AddressChanged.v2.json']);
  expect(publish(addressContract, directory)).toEqual([]);
  expect(examine(addressContract, directory)).toEqual([]);
});

test('a published version that is changed in place is forbidden, with what it breaks, and is not written over', () => {
  publish(noted(z.object({ text: z.string().optional() })), directory);
  const changed = noted(z.object({ text: z.string() }));
  const before = readFileSync(join(directory, 'Noted.v1.json'), 'utf8');
  expect(publish(changed, directory)).toEqual([]);
  expect(readFileSync(join(directory, 'Noted.v1.json'), 'utf8')).toBe(before);
  const findings = examine(changed, directory);
  expect(findings.map(isForbidden)).toEqual([true]);
  expect(findings.map(describeFinding).join('')).toBe(
    'Noted.v1.json: changed in place: make a new version of it\n  text: must be there now (breaks events written before)\n',
  );
});

test('a new version is allowed, and says what it breaks of the one before', () => {
  publish({ AddressChanged: addressContract.AddressChanged }, directory);
  rmSync(join(directory, 'AddressChanged.v2.json'));
  const findings = examine(addressContract, directory);
  expect(findings.some(isForbidden)).toBe(false);
  expect(findings.map(describeFinding).join('')).toMatch(
    /^AddressChanged.v2.json: not published yet\n {2}address: removed \(breaks readers of the version before\)\n/,
  );
});

test('a published version that no contract has is forbidden: history holds such events', () => {
  writeFileSync(join(directory, 'Gone.v1.json'), '{}');
  expect(examine({}, directory)).toEqual([{ tag: 'withdrawn', file: 'Gone.v1.json' }]);
  expect(examine({}, directory).map(isForbidden)).toEqual([true]);
});

test('an event has CloudEvents attributes, as headers in binary mode', () => {
  const told = {
    ...{ id: 'e1', type: 'ItemAdded', version: 2, aggregateType: 'cart', aggregateId: '101' },
    ...{ occurredAt: new Date(0), correlationId: 'visit-7' },
  };
  const attributes = cloudEventAttributes(told, { source: '/shop', schemaBase: 'https://shop.example/' });
  expect(cloudEventHeaders(attributes)).toEqual([
    ['ce_specversion', '1.0'],
    ['ce_id', 'e1'],
    ['ce_source', '/shop'],
    ['ce_type', 'cart.ItemAdded.v2'],
    ['ce_subject', '101'],
    ['ce_time', '1970-01-01T00:00:00.000Z'],
    ['content-type', 'application/json'],
    ['ce_correlationid', 'visit-7'],
    ['ce_dataschema', 'https://shop.example/ItemAdded.v2.json'],
  ]);
});

test('in structured mode an event is one document, with its data as it was', () => {
  const attributes = { specversion: '1.0', id: 'e1', datacontenttype: 'application/json' };
  const told = (data: string | null) =>
    String(structuredCloudEvent(attributes, data === null ? null : Buffer.from(data)));
  expect(told('{"n": 9007199254740993}')).toBe(
    '{"specversion":"1.0","id":"e1","datacontenttype":"application/json","data":{"n": 9007199254740993}}',
  );
  expect(JSON.parse(told('no "JSON"'))).toEqual({
    ...{ specversion: '1.0', id: 'e1', datacontenttype: 'text/plain; charset=utf-8', data: 'no "JSON"' },
  });
  expect(told(null)).toBe('{"specversion":"1.0","id":"e1"}');
});
