import type { OperationOptions } from '../core/records.ts';
import type { HeaderFields } from '../lib/header-fields.ts';

/** What an operation says about calls from other origins; null or empty is Fusio's default: anyone may call, without credentials. */
export type CorsPolicy = OperationOptions['cors'] | null;

/** Fusio's lists, which its clients compare. */
const defaultMethods = 'OPTIONS, HEAD, GET, POST, PUT, DELETE, PATCH';
const defaultHeaders = 'Accept, Accept-Language, Authorization, Content-Language, Content-Type, User-Agent';
/** What scripts may read when `*` cannot be said: the gateway's own headers. */
const ownHeaders = [
  'X-Request-Id, X-Operation-Id, X-Stability, X-Config-Revision, Deprecation, Sunset, Retry-After, ETag, Location',
  'RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, WWW-Authenticate, Content-Disposition',
].join(', ');

/**
 * Sets the headers of every answer, success or error, to a request with this `Origin` (Fetch §3.2). Without a list of
 * origins: `*` and never credentials. With one: the origin when it is on the list exactly, else nothing; always
 * `Vary: Origin`. `null` is on no list, and what the caller says is never reflected unless it is listed.
 */
export function applyCors(headers: HeaderFields, origin: string | null, policy: CorsPolicy): void {
  if (isPublic(policy)) {
    // Said to all, so that a cached answer serves every caller without `Vary`.
    headers.set('Access-Control-Allow-Origin', '*');
    if (origin !== null) {
      headers.set('Access-Control-Expose-Headers', '*');
    }
    return;
  }
  headers.append('Vary', 'Origin');
  if (origin === null || !listed(origin, policy!.origins!)) {
    return;
  }
  headers.set('Access-Control-Allow-Origin', origin);
  headers.set('Access-Control-Expose-Headers', policy?.credentials === true ? ownHeaders : '*');
  if (policy?.credentials === true) {
    headers.set('Access-Control-Allow-Credentials', 'true');
  }
}

/**
 * Adds to the headers of an answer to OPTIONS (status 200, empty): `Allow` with the path's methods and, when the request is
 * a preflight, what the operation that it asks for allows. The policy is that operation's. A preflight reaches no action.
 */
export function applyPreflight(headers: Headers, request: Headers, allow: readonly string[], policy: CorsPolicy): void {
  headers.set('Allow', inFusiosOrder(allow).join(', '));
  const origin = request.get('origin');
  applyCors(headers, origin, policy);
  if (!headers.has('Access-Control-Allow-Origin') || origin === null) {
    return;
  }
  if (request.has('access-control-request-method')) {
    headers.set('Access-Control-Allow-Methods', defaultMethods);
  }
  if (request.has('access-control-request-headers')) {
    headers.set('Access-Control-Allow-Headers', policy?.headers?.join(', ') ?? defaultHeaders);
  }
  if (policy?.maxAge !== undefined) {
    headers.set('Access-Control-Max-Age', String(Math.max(0, Math.floor(policy.maxAge))));
  }
}

/** `OPTIONS, HEAD, GET, POST`: clients compare it. */
function inFusiosOrder(methods: readonly string[]): string[] {
  const first = ['OPTIONS', 'HEAD'].filter((method) => methods.includes(method));
  return [...first, ...methods.filter((method) => !first.includes(method)).sort()];
}

function isPublic(policy: CorsPolicy | undefined): boolean {
  return policy?.origins === undefined || policy.origins.includes('*');
}

function listed(origin: string, origins: readonly string[]): boolean {
  return origin !== 'null' && origins.some((allowed) => serialized(allowed) === origin);
}

/** As a browser writes it: `https://App.example.com:443/` on the list means `https://app.example.com`. */
function serialized(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).origin : null;
}
