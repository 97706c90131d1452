import type { Call, CallOperation } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { OperationRecord } from '../core/records.ts';
import { memo } from '../core/snapshot.ts';
import { type HeaderList, headerValue, listHeaders, maxHeaderBytes, maxUrlLength } from '../lib/headers.ts';
import { canonicalPath } from '../lib/path.ts';
import { parametersAt, parseRoutePath, type RoutePath } from '../lib/route-path.ts';
import { type Soon, soon } from '../lib/soon.ts';
import { chooseVersion } from './choose-version.ts';
import { applyCors } from './cors.ts';
import { stabilityHeaders } from './stability.ts';

/** First segments that belong to the platform: they never reach configured operations. */
const reserved = new Set(['backend', 'consumer', 'system', 'authorization']);

/**
 * Finds the operation of the request's canonical path and method. GET answers HEAD; OPTIONS finds the operation that the
 * preflight asks about, for its CORS policy. Throws 400, 404, 405 with `Allow`, 410, 414, 431.
 */
export function matchOperation(call: Call): Soon<CallOperation> {
  const received = listHeaders(call.request.headers);
  call.received = received;
  applyCors(call.headers, headerValue(received, 'origin'), null);
  checkSize(call, received);
  const canonical = canonicalPath(call.url.pathname);
  if (!canonical.ok) {
    throw new ApiError('invalid_path', `The request path is not valid: ${canonical.reason}`, {
      errors: [{ pointer: '/path', rule: canonical.reason, message: 'The path is not in a form that has one meaning' }],
    });
  }
  call.path = canonical.path;
  return soon(find(call), (operation) => prepared(call, operation));
}

/** What every answer of the operation says, and whether it may be called at all. */
function prepared(call: Call, operation: CallOperation): CallOperation {
  const policy = operation.options?.cors ?? null;
  if (policy !== null) {
    restateCors(call, policy);
  }
  for (const [name, value] of stabilityHeaders(operation.record ?? operation)) {
    call.headers.set(name, value);
  }
  call.headers.set('X-Operation-Id', operation.name);
  checkSlashes(call, operation);
  if (call.method !== 'OPTIONS' && !operation.active) {
    call.operation = operation;
    throw new ApiError('inactive');
  }
  return operation;
}

function find(call: Call): Soon<CallOperation> {
  const { segments } = call.path;
  const method =
    call.method === 'OPTIONS'
      ? (call.request.headers.get('access-control-request-method')?.toUpperCase() ?? 'OPTIONS')
      : call.method;
  const system = reserved.has(segments[0] ?? '') || segments.length === 0;
  if (system) {
    const match = call.runtime.system.match(method, segments);
    if (match.found) {
      call.params = match.params;
      return match.operation;
    }
    if (segments.length > 0 || match.allow.length > 0) {
      return otherMethod(call, match.allow);
    }
  }
  const match = call.snapshot.match(method, segments);
  if (!match.found) {
    return otherMethod(call, match.allow);
  }
  call.params = match.params;
  if (match.snapshot.revision !== call.snapshot.revision) {
    call.snapshot = match.snapshot;
    call.headers.set('X-Config-Revision', String(call.snapshot.revision));
  }
  return soon(call.snapshot.operation(match.operationId), (record) => {
    if (record === undefined) {
      throw new ApiError('unknown_location');
    }
    return versioned(call, record);
  });
}

/** The path has other methods: OPTIONS answers with them, everything else is 405. */
function otherMethod(call: Call, allow: readonly string[]): CallOperation {
  if (allow.length === 0) {
    throw new ApiError('unknown_location');
  }
  call.headers.set('Allow', allow.join(', '));
  if (call.method === 'OPTIONS') {
    return optionsOnly;
  }
  throw new ApiError(
    'method_not_allowed',
    `The method ${call.method} is not allowed at this location, allowed are ${allow.join(', ')}`,
  );
}

/** Stands for "some operation of this path" where OPTIONS names no method. */
const optionsOnly: CallOperation = {
  id: 0,
  category_id: 1,
  status: 1,
  active: true,
  public: true,
  stability: 2,
  description: null,
  http_method: 'OPTIONS',
  http_path: '',
  http_code: 200,
  name: 'options',
  parameters: null,
  incoming: null,
  outgoing: null,
  throws: null,
  action: '',
  costs: 0,
  scopes: {},
  options: null,
  versions: null,
  metadata: null,
  native: null,
  record: null,
};

/** The operation as its current self or as the version that the request asks for. */
function versioned(call: Call, record: OperationRecord): CallOperation {
  const current = memo(record, 'operation', (): CallOperation => ({ ...record, native: null, record }));
  if (record.versions === null) {
    return current;
  }
  call.headers.append('Vary', 'Accept, Api-Version');
  const version = chooseVersion(call.request.headers, Object.keys(record.versions));
  if (version === null) {
    return current;
  }
  call.version = version;
  return memo(record, `operation ${version}`, (): CallOperation => ({ ...current, ...record.versions![version] }));
}

/** An encoded slash is only accepted inside parameters that the operation names: elsewhere an upstream could read another path. */
function checkSlashes(call: Call, operation: CallOperation): void {
  if (call.path.slashed.length === 0) {
    return;
  }
  const route = routeOf(operation);
  const allowed = operation.options?.encodedSlash ?? [];
  const refused =
    route === null ? ['path'] : parametersAt(route, call.path.slashed).filter((name) => !allowed.includes(name));
  if (refused.length > 0) {
    const message = `An encoded slash is not allowed in ${refused.join(', ')}`;
    throw new ApiError('invalid_path', message, {
      errors: [{ pointer: `/path/${refused[0]}`, rule: 'encodedSlash', message }],
    });
  }
}

/** The parsed path of an operation. */
export function routeOf(operation: CallOperation): RoutePath | null {
  return memo(operation.record ?? operation, 'route', () => {
    const parsed = parseRoutePath(operation.http_path);
    return parsed.ok ? parsed.route : null;
  });
}

function checkSize(call: Call, received: HeaderList): void {
  if (call.request.url.length > maxUrlLength) {
    throw new ApiError('uri_too_long', `The request URL is longer than ${maxUrlLength} characters`);
  }
  if (received.bytes > maxHeaderBytes) {
    throw new ApiError('headers_too_large', `The request headers are larger than ${maxHeaderBytes} bytes`);
  }
}

function restateCors(call: Call, policy: NonNullable<NonNullable<OperationRecord['options']>['cors']>): void {
  for (const name of [
    'Access-Control-Allow-Origin',
    'Access-Control-Expose-Headers',
    'Access-Control-Allow-Credentials',
  ]) {
    call.headers.delete(name);
  }
  applyCors(call.headers, call.request.headers.get('origin'), policy);
}
