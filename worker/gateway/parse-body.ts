import { ApiError, type Violation } from '../core/errors.ts';
import { scanJson } from '../lib/json-scan.ts';
import { convertTexts } from '../lib/schema/convert.ts';
import type { Shape } from '../lib/schema/shape.ts';
import type { Contract } from './schema-of.ts';

/** A body as value and as text. `violations` are what is wrong with its notation, or with names that came twice. */
export interface ParsedBody {
  body: unknown;
  text: string;
  violations: Violation[];
}

const form = 'application/x-www-form-urlencoded';

/**
 * Reads a body by its content type, where the contract knows it: JSON for a schema (a form too, when the schema is a flat
 * object), the media type of a `mime://` reference else. Without a content type it is taken for what is expected.
 * Throws ApiError `unsupported_media_type` and, for what is no JSON or no UTF-8, `invalid_body`.
 */
export function parseBody(
  bytes: Uint8Array,
  contentType: string | null,
  contract: Contract | null,
  mime: string | null,
): ParsedBody {
  const given = essenceOf(contentType);
  if (contract !== null) {
    const forms = isFlat(contract.shape);
    if (given === null || isJson(given)) {
      return parseJson(bytes);
    }
    if (given === form && forms) {
      return parseForm(bytes, contract.shape);
    }
    throw unsupported(given, forms ? ['application/json', form] : ['application/json']);
  }
  switch (mime) {
    case 'application/json':
      return given === null || isJson(given) ? parseJson(bytes) : refuse(given, mime);
    case form:
      return given === null || given === form ? parseForm(bytes, null) : refuse(given, mime);
    case 'text/plain':
      return given === null || given.startsWith('text/') ? parseText(bytes) : refuse(given, 'text/*');
    default:
      return given === null || isXml(given) ? parseText(bytes) : refuse(given, 'application/xml');
  }
}

/** `type/subtype` in lower case; null when there is none or it is not one. */
export function essenceOf(contentType: string | null): string | null {
  if (contentType === null || plain.has(contentType)) {
    return contentType;
  }
  const essence = contentType.toLowerCase().split(/\s*;/, 1)[0]!.trim();
  return /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(essence) ? essence : null;
}

/** What nearly all requests say, in the form that it is asked for. */
const plain = new Set(['application/json', form, 'text/plain', 'application/xml', 'multipart/form-data']);

export function isJson(type: string): boolean {
  return type === 'application/json' || type === 'text/json' || type.endsWith('+json');
}

function isXml(type: string): boolean {
  return type === 'application/xml' || type === 'text/xml' || type.endsWith('+xml');
}

/** Whether a form can carry it: an object whose members are scalars or lists of them. */
function isFlat(shape: Shape): boolean {
  const object = shape.types.size === 0 || shape.types.has('object');
  const members = [...shape.properties.values()];
  return (
    object &&
    members.length > 0 &&
    members.every((member) => isScalar(member) || (member.items !== undefined && isScalar(member.items)))
  );
}

function isScalar({ types }: Shape): boolean {
  return !types.has('object') && !types.has('array');
}

function parseJson(bytes: Uint8Array): ParsedBody {
  const scanned = scanJson(bytes);
  if (scanned.ok) {
    return { body: scanned.value, text: scanned.text, violations: [] };
  }
  const { reason, message, position } = scanned;
  const pointer = scanned.pointer ?? '';
  const broken = reason === 'syntax' || reason === 'encoding';
  const where = `at byte ${position}`;
  throw new ApiError(
    'invalid_body',
    broken ? `The request body is not valid JSON: it ${message} (${where})` : `The request body ${message} (${where})`,
    { errors: [{ pointer: `/body${pointer}`, rule: reason, message: `${message} (${where})` }] },
  );
}

function parseText(bytes: Uint8Array): ParsedBody {
  const text = decode(bytes);
  return { body: text, text, violations: [] };
}

/** Members are converted by the shape; without one they stay texts, lists where a name comes several times. */
function parseForm(bytes: Uint8Array, shape: Shape | null): ParsedBody {
  const text = decode(bytes);
  if (/^\s*[{[]/.test(text)) {
    // What `curl -d` sends when nobody told it otherwise.
    const message = `The request body looks like JSON, but its content type is ${form}; send Content-Type: application/json`;
    throw new ApiError('unsupported_media_type', message);
  }
  const fields = new URLSearchParams(text);
  if (shape === null) {
    const names = new Set(fields.keys());
    const members = [...names].map((name): [string, unknown] => {
      const values = fields.getAll(name);
      return [name, values.length > 1 ? values : values[0]];
    });
    return { body: Object.fromEntries(members), text, violations: [] };
  }
  const { values, violations } = convertTexts(fields, shape);
  return { body: values, text, violations };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    const errors = [{ pointer: '/body', rule: 'encoding', message: 'is not valid UTF-8' }];
    throw new ApiError('invalid_body', 'The request body is not valid UTF-8', { errors });
  }
}

function refuse(given: string, accepted: string): never {
  throw unsupported(given, [accepted]);
}

function unsupported(given: string, accepted: string[]): ApiError {
  const message = `The content type ${given} of the request body is not supported, accepted is ${accepted.join(' or ')}`;
  return new ApiError('unsupported_media_type', message);
}
