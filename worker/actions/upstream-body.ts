import { ApiError } from '../core/errors.ts';
import type { ActionInput } from './define.ts';

/** The media types an HTTP action may encode a payload to; the first is the default. */
export const contentTypes = [
  'application/json',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'text/plain',
  'application/xml',
] as const;

export interface UpstreamBody {
  content: BodyInit | null;
  /** Whether it can be sent again: nothing, or something buffered. */
  replayable: boolean;
  /** Type of what was encoded anew; null: the content is the caller's own, with the caller's headers. */
  contentType: string | null;
}

const none: UpstreamBody = { content: null, replayable: true, contentType: null };

/**
 * The body of the upstream request. What nothing read is streamed on unread; what was read goes on byte for byte. Only a
 * payload that has no bytes of its own, or whose configured `type` differs from what the caller sent, is encoded.
 * Throws `invalid_body` when the payload cannot be said in that type.
 */
export function upstreamBody(input: ActionInput, method: string, type: string | undefined): UpstreamBody {
  if (method === 'GET' || method === 'HEAD') {
    return none;
  }
  const { stream, bytes, headers } = input.http;
  if (stream !== null) {
    return { content: stream, replayable: false, contentType: null };
  }
  const { payload } = input;
  const wanted = type || null;
  if (bytes !== null && (payload === undefined || wanted === null || wanted === mediaType(headers))) {
    return bytes.byteLength === 0 ? none : { content: bytes, replayable: true, contentType: null };
  }
  return payload === undefined || payload === null ? none : encode(payload, wanted ?? contentTypes[0]);
}

function mediaType(headers: Headers): string {
  // Without a type a body is read as JSON, as in Fusio.
  return (headers.get('content-type') ?? contentTypes[0]).split(';', 1)[0]!.trim().toLowerCase();
}

function encode(payload: unknown, type: string): UpstreamBody {
  switch (type) {
    case 'application/octet-stream':
    case 'text/plain':
    case 'application/xml':
      if (typeof payload === 'string' || payload instanceof Uint8Array) {
        return { content: payload, replayable: true, contentType: type };
      }
      throw unfit(type);
    case 'application/x-www-form-urlencoded': {
      if (payload instanceof URLSearchParams) {
        return { content: payload.toString(), replayable: true, contentType: type };
      }
      const fields = new URLSearchParams();
      addFields(fields, null, record(payload, type));
      return { content: fields.toString(), replayable: true, contentType: type };
    }
    case 'multipart/form-data': {
      // Its type carries the boundary, which only fetch() knows.
      const form = payload instanceof FormData ? payload : formData(record(payload, type));
      return { content: form, replayable: true, contentType: '' };
    }
    default:
      return { content: JSON.stringify(payload), replayable: true, contentType: 'application/json' };
  }
}

function record(payload: unknown, type: string): Record<string, unknown> {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) {
    return payload as Record<string, unknown>;
  }
  throw unfit(type);
}

function unfit(type: string): ApiError {
  return new ApiError('invalid_body', `The request body cannot be forwarded as ${type}`);
}

/** Nested members in brackets, `a[b]=c` and `a[0]=c`, booleans as 1 and 0: what the servers that Fusio's form type is for read. */
function addFields(fields: URLSearchParams, prefix: string | null, values: object): void {
  for (const [key, value] of Object.entries(values)) {
    const name = prefix === null ? key : `${prefix}[${key}]`;
    if (typeof value === 'object' && value !== null) {
      addFields(fields, name, value);
    } else if (value !== null && value !== undefined) {
      fields.append(name, typeof value === 'boolean' ? String(Number(value)) : String(value));
    }
  }
}

function formData(values: Record<string, unknown>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    if (value instanceof Blob) {
      form.append(name, value);
    } else if (value !== null && value !== undefined) {
      form.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
    }
  }
  return form;
}
