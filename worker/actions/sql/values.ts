import { valueError } from '../../connections/database.ts';
import type { Column } from '../../lib/sql/introspect.ts';

/** What D1 binds. */
export type Bound = string | number | ArrayBuffer | null;

/** A value as the column keeps it. Throws 400 that names the property. Instants are kept in UTC, as `2015-02-27 19:59:15`. */
export function toStored(column: Column, value: unknown, property: string): Bound {
  if (value === null || value === undefined) {
    return null;
  }
  const refuse = (what: string): never => {
    throw valueError(property, 'type', `Property ${property} must be ${what}`);
  };
  switch (column.kind) {
    case 'integer':
      return typeof value === 'boolean' ? Number(value) : (readInteger(value) ?? refuse('an integer'));
    case 'number':
      return readNumber(value) ?? refuse('a number');
    case 'boolean':
      return readBoolean(value) ?? refuse('a boolean');
    case 'datetime':
      return readInstant(value) ?? refuse('a date and time, such as 2015-02-27T19:59:15Z');
    case 'date':
      return readDate(value) ?? refuse('a date, such as 2015-02-27');
    case 'time':
      return readTime(value) ?? refuse('a time, such as 19:59:15');
    case 'json':
      return JSON.stringify(value);
    case 'blob':
      return readBase64(value) ?? refuse('bytes in base64');
    default: {
      if (typeof value === 'object') {
        return refuse('a string');
      }
      if (column.kind === 'any') {
        return typeof value === 'number' ? value : String(value);
      }
      const text = String(value);
      if (column.length !== null && [...text].length > column.length) {
        throw valueError(
          property,
          'maxLength',
          `Property ${property} must not be longer than ${column.length} characters`,
        );
      }
      return text;
    }
  }
}

/** A value as callers see it: instants as RFC 3339, JSON parsed, bytes in base64. */
export function fromStored(column: Column, value: unknown): unknown {
  if (value === null || value === undefined) {
    return null;
  }
  switch (column.kind) {
    case 'boolean':
      return value === 0 || value === 1 ? value === 1 : value;
    case 'datetime':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?$/.test(value)
        ? `${value.replace(' ', 'T')}Z`
        : value;
    case 'json':
      return typeof value === 'string' ? parsed(value) : value;
    default:
      return Array.isArray(value) ? btoa(String.fromCharCode(...(value as number[]))) : value;
  }
}

/** A text that a caller compares with a column; undefined when no value of the column can equal it. */
export function comparable(column: Column, text: string): Bound | undefined {
  switch (column.kind) {
    case 'integer':
      return readInteger(text);
    case 'number':
      return readNumber(text);
    case 'boolean':
      return readBoolean(text);
    case 'datetime':
      return readInstant(text);
    case 'blob':
      return readBase64(text);
    default:
      return text;
  }
}

function readInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?(?:0|[1-9]\d{0,15})$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
}

function readNumber(value: unknown): number | undefined {
  const written = typeof value === 'string' && /^-?\d{1,300}(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$/.test(value);
  const number = written ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function readBoolean(value: unknown): number | undefined {
  const text = String(value);
  return text === 'true' || text === '1' ? 1 : text === 'false' || text === '0' ? 0 : undefined;
}

/** RFC 3339, or the form that is kept; without an offset it is UTC. */
function readInstant(value: unknown): string | undefined {
  if (typeof value !== 'string') {
    return undefined;
  }
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)?)?$/i.exec(value);
  if (match === null || readDate(match[1]) === undefined) {
    return undefined;
  }
  const [, date, time = '00:00:00', fraction = '', offset = 'Z'] = match;
  const moment = new Date(`${date}T${time}${offset.toUpperCase().replace(/^(...)(\d\d)$/, '$1:$2')}`);
  return Number.isNaN(moment.getTime())
    ? undefined
    : moment.toISOString().slice(0, 19).replace('T', ' ') + fraction.replace(/\.?0+$/, '');
}

function readDate(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) {
    return undefined;
  }
  const moment = new Date(`${value}T00:00:00Z`);
  // The 30th of February is no day.
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(value) ? value : undefined;
}

function readTime(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value : '';
  return /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?$/.test(text) ? text : undefined;
}

function readBase64(value: unknown): ArrayBuffer | undefined {
  try {
    return typeof value === 'string'
      ? Uint8Array.from(atob(value), (character) => character.charCodeAt(0)).buffer
      : undefined;
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
