import type { HeaderFields } from '../lib/header-fields.ts';
import type { HeaderList } from '../lib/headers.ts';
import type { RequestUrl } from '../lib/request-url.ts';
import type { OperationRecord } from './records.ts';
import type { Runtime } from './runtime.ts';
import type { Snapshot } from './snapshot.ts';
import type { SystemOperation } from './system-operation.ts';

/** Who calls. `userId` is null for an anonymous caller. */
export interface Caller {
  userId: number | null;
  userName: string | null;
  email: string | null;
  appId: number | null;
  appKey: string | null;
  scopes: readonly string[];
  /** The token's id, family and time of issue (seconds), when there is a token. */
  token: { jti: string; family: string | null; issued: number; expires: number } | null;
}

export const anonymous: Caller = {
  userId: null,
  userName: null,
  email: null,
  appId: null,
  appKey: null,
  scopes: [],
  token: null,
};

/** The path of a request in the one form that routing, limits, cache keys and upstream URLs use (worker/lib/path.ts). */
export interface CanonicalPath {
  /** Percent-encoded again by one rule: `/a/b%20c`. */
  text: string;
  /** Decoded segments; an encoded slash is a `/` inside one of them. */
  segments: readonly string[];
  /** Indexes of segments that hold an encoded slash. */
  slashed: readonly number[];
}

/** What is left of the caller's rate; calls and seconds. */
export interface Quota {
  name: string;
  limit: number;
  remaining: number;
  reset: number;
  window: number;
}

/** An operation as the pipeline sees it: configured (`record` from the snapshot) or compiled into the bundle (`native`). */
export interface CallOperation extends OperationRecord {
  native: SystemOperation | null;
  /** The configured record that it stands for: memoised things hang on it. Null for system operations. */
  record: OperationRecord | null;
}

/** One request on its way. Steps fill it in from top to bottom. */
export interface Call {
  id: string;
  request: Request;
  /** The request's headers, once a step has read them. */
  received?: HeaderList;
  url: RequestUrl;
  method: string;
  tenant: string;
  /** The client's address, canonical text; empty when the platform told none. */
  ip: string;
  started: number;
  runtime: Runtime;
  snapshot: Snapshot;
  path: CanonicalPath;
  operation: CallOperation | null;
  /** Path parameters, decoded, by name. */
  params: Record<string, string>;
  /** The version that the request chose, `1.2.0`. */
  version: string | null;
  caller: Caller;
  quota: Quota | null;
  /** Headers that every answer of this call carries, success or error. */
  headers: HeaderFields;
  /** Milliseconds spent waiting for upstreams, added up by actions. */
  upstream: number;
  /** Requests to others in their order, the first eight: origin, status (none when no answer came), milliseconds. */
  upstreams?: { target: string; status?: number; time: number }[];
  points: number;
  /** The request body as text, when a step read it and the log wants bodies. */
  bodyText: string | null;
  /** Fires when a body that is streamed on must not go on; its reason is the ApiError. */
  bodyBroken?: AbortSignal;
}

/** What an operation receives, validated and converted. */
export interface Input {
  /** Path parameters, converted by the operation's contract. */
  path: Record<string, unknown>;
  query: Record<string, unknown>;
  /** The parsed body; undefined when nothing read it (then `call.request.body` is still untouched). */
  body: unknown;
  /** The body's original bytes, when it was read: what is forwarded is never a re-serialisation. */
  bytes: Uint8Array | null;
}
