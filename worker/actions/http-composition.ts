import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { defineAction } from './define.ts';
import { forwardedCall, openClient } from './forward.ts';
import { authorization, connection, query, type, urls } from './http-config.ts';
import { isJson, readAll, withBody } from './payload.ts';
import { callUpstream } from './upstream-call.ts';

/** Connections that one request of the platform may have open at once. */
const parallel = 6;
/** What is read of one server's answer, bytes, unpacked. */
const memberLimit = 8 * 1024 * 1024;

/** Several servers, one answer. */
export const httpComposition = defineAction({
  class: 'Fusio.Adapter.Http.Action.HttpComposition',
  name: 'HTTP-Composition',
  description:
    'Passes the call on to all urls at once and answers 200 with an object: configured url → body, JSON decoded, anything else as text. A body counts whatever its status; when a server cannot be reached or answers broken JSON, the whole call fails and names the url.',
  config: Type.Object({ connection, url: urls, type, authorization, query }),
  async run(input, config, context) {
    const deadline = context.now() + context.timeout;
    const client = await openClient(config, context);
    // All of them get the same body.
    const buffered = await withBody(input);
    const abandoned = new AbortController();
    const member = async (url: string): Promise<[string, unknown]> => {
      const call = forwardedCall(buffered, config, url, client, context);
      // Read here, so only what this runtime can unpack may come.
      call.headers.set('accept-encoding', 'gzip');
      call.signal = abandoned.signal;
      try {
        return [url, await decoded(await callUpstream(call, context, deadline))];
      } catch (thrown) {
        const { code, message, headers } = failure(thrown, abandoned.signal);
        throw new ApiError(code, `${url}: ${message}`, { headers, cause: thrown });
      }
    };
    const timer = setTimeout(() => abandoned.abort(new DOMException('', 'TimeoutError')), context.timeout);
    try {
      return Response.json(Object.fromEntries(await pooled(config.url as string[], member)));
    } finally {
      clearTimeout(timer);
      abandoned.abort();
    }
  },
});

/** A body that breaks off or never ends fails like a connection, not like a mistake of ours. */
function failure(thrown: unknown, { aborted }: AbortSignal): ApiError {
  if (aborted) {
    return new ApiError('upstream_timeout', undefined, { cause: thrown });
  }
  return thrown instanceof ApiError ? thrown : new ApiError('bad_gateway', undefined, { cause: thrown });
}

async function decoded(response: Response): Promise<unknown> {
  if (response.body === null) {
    return null;
  }
  const bytes = await readAll(response.body, memberLimit, () => {
    return new ApiError('bad_gateway', `The answer is larger than ${memberLimit} bytes`);
  });
  const text = new TextDecoder().decode(bytes);
  if (text === '') {
    return null;
  }
  const contentType = response.headers.get('content-type');
  if (contentType === null || !isJson(contentType)) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError('bad_gateway', 'The answer is not valid JSON');
  }
}

/** Runs `work` for all items, so many at a time, and keeps their order. The first failure is the failure of all. */
async function pooled<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, lane));
  return results;
}
