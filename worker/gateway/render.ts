import type { Call } from '../core/call.ts';
import type { ApiError } from '../core/errors.ts';
import type { HeaderFields } from '../lib/header-fields.ts';

/** What rendering needs of a call. */
type Rendered = Pick<Call, 'request' | 'id' | 'headers' | 'method'>;

/**
 * The final answer of a call. A Response (of an action) keeps its status, headers and body; a plain value (of a system
 * operation) becomes compact JSON, nothing at all becomes 204. The call's headers are laid over, `Vary` and `Set-Cookie`
 * are added up. HEAD drops the body and keeps its length where it is known.
 */
export function render(call: Rendered & Pick<Call, 'operation'>, result: unknown): Response {
  if (result instanceof Response) {
    return renderResponse(call, result);
  }
  if (result === undefined || result === null) {
    return new Response(null, { status: 204, headers: laidOver(new Headers(), call.headers) });
  }
  return json(call, call.operation?.native?.status ?? 200, 'application/json', result, new Headers());
}

/**
 * An error as RFC 9457 problem details and, in the same object, the members that Fusio's clients read (`success`, `title`,
 * `message`). `application/json`, because those clients expect it, unless `application/problem+json` is asked for.
 */
export function renderError(call: Rendered, error: ApiError): Response {
  const body = {
    success: false,
    type: 'about:blank',
    title: statusTitles[error.status] ?? 'Error',
    status: error.status,
    code: error.code,
    message: error.message,
    detail: error.message,
    instance: `urn:uuid:${call.id}`,
    errors: error.errors,
  };
  const accept = call.request.headers.get('accept') ?? '';
  const type = accept.includes('application/problem+json') ? 'application/problem+json' : 'application/json';
  return json(call, error.status, type, body, new Headers(error.headers));
}

/** RFC 9457 §4.2.1: with the type `about:blank` the title is the phrase of the status (RFC 9110 §15). */
const statusTitles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  428: 'Precondition Required',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
};

function renderResponse(call: Rendered, response: Response): Response {
  // What an action made anew can be changed in place; what came from fetch() cannot.
  const bodiless = call.method === 'HEAD' && response.body !== null;
  if (!bodiless && response.status !== 101) {
    try {
      laidOver(response.headers, call.headers);
      return response;
    } catch {
      // Workers have no way to ask whether a list is immutable (Fetch §5.1, guard "immutable"): it refuses the first change.
    }
  }
  const headers = laidOver(new Headers(response.headers), call.headers);
  const { status, statusText, webSocket } = response;
  if (bodiless) {
    discard(response.body!);
  }
  return new Response(bodiless ? null : response.body, { status, statusText, headers, webSocket });
}

function json(call: Rendered, status: number, type: string, value: unknown, headers: Headers): Response {
  const text = JSON.stringify(value);
  laidOver(headers, call.headers);
  headers.set('Content-Type', type);
  headers.append('Vary', 'Accept');
  if (call.method !== 'HEAD') {
    return new Response(text, { status, headers });
  }
  headers.set('Content-Length', String(new TextEncoder().encode(text).byteLength));
  return new Response(null, { status, headers });
}

function laidOver(headers: Headers, own: HeaderFields): Headers {
  own.forEach((value, name) => {
    if (name === 'vary' || name === 'set-cookie') {
      headers.append(name, value);
    } else {
      headers.set(name, value);
    }
  });
  return headers;
}

/** A body that nobody reads keeps its connection; its failure interests nobody any more. */
function discard(body: ReadableStream): void {
  if (!body.locked) {
    body.cancel().catch(() => {});
  }
}
