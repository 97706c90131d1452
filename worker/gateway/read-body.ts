import { ApiError } from '../core/errors.ts';
import { collect } from '../lib/collect.ts';

/** Bytes of a request body that a step may read when the operation says nothing else. */
export const defaultBodyLimit = 1024 * 1024;

/**
 * Reads a body into memory, counting: one with a false or no Content-Length is refused as soon as it is over the limit.
 * Throws ApiError `body_too_large` or `invalid_body`.
 */
export async function readBody(request: Request, limit: number): Promise<Uint8Array> {
  refuseByLength(request, limit);
  let bytes: Uint8Array | null;
  try {
    // How much comes is sure where the length was said: framing ends the body there.
    bytes = request.headers.has('content-length')
      ? new Uint8Array(await request.arrayBuffer())
      : await collect(request.body, limit);
  } catch (thrown) {
    throw cutOff(thrown);
  }
  if (bytes === null || bytes.byteLength > limit) {
    throw tooLarge(limit);
  }
  return bytes;
}

/** Refuses by what the request says of itself, before anything is read. */
export function refuseByLength(request: Request, limit: number): void {
  const length = request.headers.get('content-length');
  if (length !== null && Number(length) > limit) {
    throw tooLarge(limit);
  }
}

/**
 * The same request with its body counted, for bodies that are streamed on. Over the limit, or where the caller breaks off, it
 * stands still and `broken` fires: whoever sends it must give the sending up, for the platform ends a body that fails as if
 * it were complete.
 */
export function withCountedBody(request: Request, limit: number): { request: Request; broken: AbortSignal } {
  const breaking = new AbortController();
  const reader = request.body!.getReader();
  let size = 0;
  const breakOff = (error: ApiError) => {
    breaking.abort(error);
    return new Promise<void>(() => {});
  };
  const counted = new ReadableStream<Uint8Array>({
    async pull(controller) {
      let next: ReadableStreamReadResult<Uint8Array>;
      try {
        next = await reader.read();
      } catch (thrown) {
        return breakOff(cutOff(thrown));
      }
      if (next.done) {
        return controller.close();
      }
      size += next.value.byteLength;
      if (size > limit) {
        return breakOff(tooLarge(limit));
      }
      controller.enqueue(next.value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  // `duplex` is asked for by the standard and unknown to the platform's types.
  const init: RequestInit & { duplex: 'half' } = { body: counted, duplex: 'half' };
  return { request: new Request(request, init), broken: breaking.signal };
}

function cutOff(cause: unknown): ApiError {
  return new ApiError('invalid_body', 'The request body ended before it was complete', { cause });
}

function tooLarge(limit: number): ApiError {
  return new ApiError('body_too_large', `The request body is larger than ${limit} bytes`);
}
