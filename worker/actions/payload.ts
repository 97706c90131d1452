import { ApiError } from '../core/errors.ts';
import type { ActionInput } from './define.ts';

/** What is read of a body that no schema asked for, bytes. */
export const bodyLimit = 1024 * 1024;

/**
 * The same input with its body read (up to 1 MiB), for actions that need all of it. Throws `body_too_large`. The input it
 * was made from is spent.
 */
export async function withBody(input: ActionInput): Promise<ActionInput> {
  const { stream } = input.http;
  if (stream === null) {
    return input;
  }
  const bytes = await readAll(stream, bodyLimit, () => new ApiError('body_too_large'));
  return { ...input, http: { ...input.http, stream: null, bytes } };
}

/**
 * The same input with a payload: a body that nothing read before is read and, without a type or with a JSON type, parsed;
 * text stays text. Throws `body_too_large` and `invalid_body`.
 */
export async function withPayload(input: ActionInput): Promise<ActionInput> {
  if (input.http.stream === null) {
    return input;
  }
  const read = await withBody(input);
  const bytes = read.http.bytes!;
  return bytes.byteLength === 0 ? read : { ...read, payload: parse(bytes, read.http.headers) };
}

/** Reads a stream to its end; throws what `tooLarge` makes as soon as there is more than `limit` bytes, and gives up the rest. */
export async function readAll(stream: ReadableStream<Uint8Array>, limit: number, tooLarge: () => Error) {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop by an exception cancels the stream.
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size > limit) {
      throw tooLarge();
    }
    chunks.push(chunk);
  }
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return all;
}

export function isJson(contentType: string | null): boolean {
  return contentType === null || /^application\/(?:[^;]+\+)?json\s*(?:;|$)/i.test(contentType.trim());
}

function parse(bytes: Uint8Array, headers: Headers): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new ApiError('invalid_body', 'The request body is not valid UTF-8');
  }
  if (!isJson(headers.get('content-type'))) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError('invalid_body', 'The request body is not valid JSON');
  }
}
