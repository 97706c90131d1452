import { ApiError } from '../core/errors.ts';
import { breakers } from '../lib/breaker.ts';
import type { ActionContext } from './define.ts';

/** Where an upstream request goes; a `URL` is one. */
export type UpstreamTarget = Pick<URL, 'href' | 'origin'>;

/** One upstream request, ready to be sent. */
export interface UpstreamCall {
  url: UpstreamTarget;
  method: string;
  headers: Headers;
  body: BodyInit | null;
  /** Whether the body can be sent again. */
  replayable: boolean;
  /** Milliseconds until the answer's headers, within what the whole call has left; null: all of it. */
  timeout: number | null;
  /** How often to try again after a lost connection. */
  retries: number;
  /** Ends the call and the answer's body. */
  signal?: AbortSignal;
}

/** How often an idempotent call is tried again. */
export const defaultRetries = 2;

/**
 * Sends a request through the egress guard, the target's circuit breaker in front. An answer is an answer, whatever its
 * status; only a connection that failed is tried again, if the body can be sent again and the method is idempotent (RFC
 * 9110 §9.2.2) or the request certainly never left. Throws `circuit_open`, `upstream_timeout`, `bad_gateway`, `egress_denied`.
 */
export async function callUpstream(call: UpstreamCall, context: ActionContext, deadline: number): Promise<Response> {
  const { url, signal } = call;
  const target = breakerName(context, url);
  const admission = breakers.admit(target, context.now());
  if (!admission.admitted) {
    const message = `The upstream server failed repeatedly and is not called for ${admission.retryAfter} s`;
    throw new ApiError('circuit_open', message, { headers: { 'Retry-After': String(admission.retryAfter) } });
  }
  const retries = admission.state.opened === null ? call.retries : 0;
  const init = initOf(call);
  for (let tried = 0; ; tried++) {
    const started = context.now();
    const left = deadline - started;
    if (left <= 0) {
      throw failed(call, target, context, new ApiError('upstream_timeout'));
    }
    let error: ApiError;
    let status: number | undefined;
    try {
      const timeout = call.timeout === null ? left : Math.min(left, call.timeout);
      const response = await context.egress.fetch(url.href, init, { timeout, signal });
      status = response.status;
      return judged(understood(response), target, context);
    } catch (thrown) {
      error = ApiError.from(thrown);
    } finally {
      context.waited(
        context.now() - started,
        status === undefined ? { target: url.origin } : { target: url.origin, status },
      );
    }
    if (tried >= retries || signal?.aborted || !mayRepeat(call, error)) {
      throw failed(call, target, context, error);
    }
    const pause = context.random() * 50 * 2 ** tried;
    if (context.now() + pause >= deadline) {
      throw failed(call, target, context, error);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function initOf({ method, headers, body }: UpstreamCall): RequestInit {
  const init: RequestInit = { method, headers, body };
  // Node asks for it where the body is streamed (Fetch §2.2.5); the platform does not mind.
  return body instanceof ReadableStream ? Object.assign(init, { duplex: 'half' }) : init;
}

/** Tells the breaker of an answer. */
function judged(response: Response, target: string, context: ActionContext): Response {
  if (failing.has(response.status)) {
    breakers.fail(target, context.now());
  } else {
    breakers.succeed(target);
  }
  return response;
}

/** Tells the breaker that there was none. */
function failed(call: UpstreamCall, target: string, context: ActionContext, error: ApiError): ApiError {
  // A body that the caller streams may break off or dawdle by the caller's doing: that must not open the breaker for others.
  const theirs = call.signal?.aborted === true || call.body instanceof ReadableStream;
  if (!theirs && (error.code === 'bad_gateway' || error.code === 'upstream_timeout')) {
    breakers.fail(target, context.now());
  } else {
    breakers.abandon(target);
  }
  return error;
}

/** Targets are told apart by origin, and by tenant, so that nobody opens the breaker of somebody else. */
export function breakerName(context: Pick<ActionContext, 'tenant'>, url: { origin: string }): string {
  return `${context.tenant} ${url.origin}`;
}

/** Whether the same request may be sent (here or to another server) after this failure. */
export function mayRepeat(call: Pick<UpstreamCall, 'method' | 'replayable'>, error: ApiError): boolean {
  if (!call.replayable || error.code !== 'bad_gateway') {
    return false;
  }
  return idempotent.has(call.method) || neverSent(error);
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** A server that says so cannot serve at the moment. */
const failing = new Set([502, 503, 504]);

/** The platform tells a connection that failed by a status of its own (520 … 530): the caller gets 502 or 504 as from anywhere else. */
function understood(response: Response): Response {
  const { status } = response;
  if (status < 520 || status > 530 || response.headers.get('server') !== 'cloudflare') {
    return response;
  }
  response.body?.cancel().catch(() => {});
  const cause = { code: `edge ${status}` };
  throw new ApiError(status === 522 || status === 524 ? 'upstream_timeout' : 'bad_gateway', undefined, { cause });
}

/** Codes of a connection that was never made: of Node, and of the platform's own answers. */
const unconnected =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|edge (?:521|523|525|526|530))$/;

/**
 * Whether the request certainly never reached the server. The platform calls a refused and a broken connection the same
 * ("Network connection lost."), so there this stays false.
 */
function neverSent(error: ApiError): boolean {
  for (let cause: unknown = error.cause; typeof cause === 'object' && cause !== null; ) {
    const { code, cause: deeper } = cause as { code?: unknown; cause?: unknown };
    if (typeof code === 'string' && unconnected.test(code)) {
      return true;
    }
    cause = deeper;
  }
  return false;
}
