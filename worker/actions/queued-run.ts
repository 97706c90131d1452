import type { Caller } from '../core/call.ts';
import type { ActionInput } from './define.ts';

/** The run of an async action as it is kept until it is done: plain JSON, with the caller's identity and without his credentials. */
export interface QueuedRun {
  /** As the operation names it. */
  reference: string;
  input: {
    arguments: Record<string, unknown>;
    uriFragments: Record<string, string>;
    encodedFragments?: Record<string, string>;
    payload?: unknown;
    http: {
      method: string;
      path: string;
      search: string;
      headers: [string, string][];
      /** Base64. */
      body: string | null;
    };
  };
  caller: Caller;
  ip: string;
  requestId: string;
  operationId: number | null;
  baseUrl: string;
  timeout: number;
}

/** Credentials are not kept: who called is known. */
const withheld = new Set(['authorization', 'cookie', 'proxy-authorization']);

/** An input whose body was read, as JSON can hold it. */
export function freezeInput({ http, ...input }: ActionInput): QueuedRun['input'] {
  return {
    ...input,
    http: {
      method: http.method,
      path: http.path,
      search: http.search ?? http.query.toString(),
      headers: [...http.headers].filter(([name]) => !withheld.has(name)),
      body: http.bytes === null ? null : Buffer.from(http.bytes).toString('base64'),
    },
  };
}

export function thawInput({ http, ...input }: QueuedRun['input']): ActionInput {
  return {
    ...input,
    payload: input.payload,
    http: {
      method: http.method,
      path: http.path,
      query: new URLSearchParams(http.search),
      search: http.search,
      headers: new Headers(http.headers),
      stream: null,
      bytes: http.body === null ? null : new Uint8Array(Buffer.from(http.body, 'base64')),
      request: null,
    },
  };
}
