import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import type { Env } from '../../env.ts';
import { getPart, listParts, putPart } from '../../resources/upload.ts';
import { descriptionLimit, parseDescription } from '../../spec/import-openapi-text.ts';

/** One part may be this large, bytes: a row of D1 holds at most 2 MB. */
const partLimit = 1_048_576;
const maximumParts = 64;

/** What is too large for one request comes in parts: a gzipped JSON (or YAML) text, cut anywhere. */
export const uploadOperations: readonly SystemOperation[] = [
  {
    name: 'backend.upload.putPart',
    method: 'PUT',
    path: '/backend/upload/$upload_id<^[A-Za-z0-9_-]{16,64}$>/$part<^[0-9]{1,2}$>',
    description: 'Stores one part of an upload (application/octet-stream, gzip, at most 1 MiB), kept for a day',
    scope: 'backend.upload',
    options: { bodyLimit: partLimit },
    run: storePart,
  },
];

async function storePart(call: Call, input: Input) {
  const id = String(input.path.upload_id);
  const part = Number(input.path.part);
  if (part >= maximumParts) {
    throw new ApiError('invalid_parameter', `An upload has at most ${maximumParts} parts`, {
      errors: [{ pointer: '/path/part', rule: 'maximum', message: `must be less than ${maximumParts}` }],
    });
  }
  const body = input.bytes ?? (await readBody(call.request.body));
  if (body.length === 0) {
    throw new ApiError('invalid_body', 'The part is empty');
  }
  await putPart(call.runtime.env.DB, call.tenant, { id, part, body }, call.runtime.now());
  return { success: true, message: 'Part successfully stored', id };
}

async function readBody(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (stream === null) {
    return new Uint8Array();
  }
  return join(await collect(stream, partLimit, 'The part is larger than 1 MiB'));
}

/**
 * The document of an upload: parts joined, unzipped and parsed (JSON or YAML). Throws ApiError `not_found` when it is not
 * there (any more), `body_too_large` over 64 MB, `invalid_request` when it cannot be read.
 */
export async function readUpload(env: Env, tenant: string, id: string, now: number = Date.now()): Promise<unknown> {
  const parts = await listParts(env.DB, tenant, id, now);
  if (parts.length === 0) {
    throw new ApiError('not_found', `Could not find upload ${id.slice(0, 64)}`);
  }
  const missing = parts.findIndex((part, index) => part !== index);
  if (missing !== -1) {
    throw new ApiError('invalid_request', `Part ${missing} of the upload is missing`);
  }
  const zipped = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = parts.shift();
      const bytes = next === undefined ? null : await getPart(env.DB, tenant, id, next);
      if (bytes === null) {
        controller.close();
      } else {
        controller.enqueue(bytes);
      }
    },
  });
  const chunks = await collect(
    zipped.pipeThrough(new DecompressionStream('gzip') as ReadableWritablePair<Uint8Array, Uint8Array>),
    descriptionLimit,
    `The upload is larger than ${descriptionLimit / 1_000_000} MB`,
  );
  return parseDescription(join(chunks));
}

async function collect(stream: ReadableStream<Uint8Array>, limit: number, message: string): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause) => {
      throw new ApiError('invalid_request', 'The upload is not a complete gzip stream', { cause });
    });
    if (done) {
      return chunks;
    }
    size += value.length;
    if (size > limit) {
      await reader.cancel().catch(() => {});
      throw new ApiError('body_too_large', message);
    }
    chunks.push(value);
  }
}

function join(chunks: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}
