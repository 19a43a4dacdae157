/** Debezium's placeholder for a TOASTed value that a change left as it was, in the forms that it has by type. */
import { isObject } from './observed.ts';

const text = '__debezium_unavailable_value';
const inBase64 = Buffer.from(text).toString('base64');
const inHex = Buffer.from(text).toString('hex');
const asNumbers = [...Buffer.from(text)].join();

/** Whether the value is one: a text, bytes, a list of it or of its bytes, a map of it to itself. */
export function isPlaceholder(value: unknown): boolean {
  if (typeof value === 'string') {
    return value === text || value === inBase64 || value === inHex || value === `{"${text}":"${text}"}`;
  }
  if (Array.isArray(value))
    return value.join() === asNumbers || (value.length === 1 && isPlaceholder(value[0]));
  return isObject(value) && Object.keys(value).join() === text;
}
