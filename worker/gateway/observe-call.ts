import type { Call } from '../core/call.ts';
import type { ApiError } from '../core/errors.ts';
import type { CallObservation, CallRow, ShownCall } from '../core/observation.ts';
import { categories } from '../core/system-operation.ts';
import { type HeaderList, headerValue, listHeaders } from '../lib/headers.ts';
import { cut, printable, printableLines } from '../lib/printable.ts';
import { redactHeader, redactPath, redactQuery, redactText } from '../lib/redact.ts';
import { redactBody } from '../lib/redact-body.ts';
import { type Explained, explainCall } from './explain-call.ts';
import { knownPlan } from './plan-of-user.ts';

/** Hands the one observation of a finished call to the observer. `error` is what the caller was told, if it was an error of ours. */
export function observeCall(call: Call, status: number, error: ApiError | null): void {
  call.runtime.observer.observe(describeCall(call, status, error));
}

/**
 * The facts of a finished call, and what its row in the log will show: nothing behind this function sees what a caller sent
 * in the clear. `random` draws the sample (0 … 1).
 */
export function describeCall(
  call: Call,
  status: number,
  error: ApiError | null,
  random: () => number = Math.random,
): CallObservation {
  const { operation, caller } = call;
  return {
    kind: 'call',
    tenant: call.tenant,
    requestId: call.id,
    at: call.started,
    duration: Math.max(0, Math.round(call.runtime.now() - call.started)),
    upstream: Math.max(0, Math.round(call.upstream)),
    revision: call.snapshot.revision,
    operationId: operation?.id ?? null,
    operationName: operation?.name ?? null,
    categoryId: operation?.category_id ?? categoryOf(pathOf(call)),
    appId: caller.appId,
    userId: caller.userId,
    planId: (caller.userId === null ? null : knownPlan(call.tenant, caller.userId)) ?? null,
    method: cut(inertText(call.method), 16),
    status,
    errorCode: error?.code ?? null,
    errorMessage: error === null ? null : cut(printable(redactText(messageOf(error))), 500),
    trace: error === null ? null : traceOf(error),
    country: countryOf(call),
    points: call.points,
    row: keepsLog(call, status, random) ? new Row(call, error) : null,
  };
}

/** Plain data alone: a request and its platform objects are not held until the rows are written. */
class Row implements CallRow {
  readonly #ip: string;
  readonly #path: string;
  readonly #search: string;
  readonly #params: Call['params'];
  readonly #received: HeaderList;
  readonly #body: LoggedBody | null;
  readonly #explained: Explained;
  readonly #error: ApiError | null;

  constructor(call: Call, error: ApiError | null) {
    const { tenant, operation, caller, quota, version, upstreams } = call;
    this.#ip = call.ip;
    this.#path = pathOf(call);
    this.#search = call.url.search;
    this.#params = call.params;
    this.#received = call.received ?? listHeaders(call.request.headers);
    this.#body = loggedBody(call);
    this.#explained = { tenant, operation, caller, quota, version, upstreams };
    this.#error = error;
  }

  get size(): number {
    return 500 + this.#path.length + this.#search.length + this.#received.bytes + (this.#body?.text.length ?? 0);
  }

  show(): ShownCall {
    const received = this.#received;
    return {
      ip: cut(inertText(this.#ip), 64),
      userAgent: userAgent(received),
      path: cut(inertText(redactPath(this.#path, this.#params)), 1023),
      query: cut(inertText(redactQuery(this.#search.slice(1))), 1023),
      headers: shownHeaders(received),
      body: this.#body === null ? null : printableLines(redactBody(this.#body.text, this.#body)),
      explain: explainCall(this.#explained, this.#error),
    };
  }
}

/**
 * Whether the call gets a row in the log: failures of ours always, other errors unless the operation's log is off, the
 * rest as sampled by the operation, else by the configuration `log_sample` (default 1: all).
 */
function keepsLog(call: Call, status: number, random: () => number): boolean {
  const options = call.operation?.options?.log;
  if (status >= 500) {
    return true;
  }
  if (options?.enabled === false) {
    return false;
  }
  if (status >= 400) {
    return true;
  }
  const sample = options?.sample ?? share(call.snapshot.config('log_sample'));
  return sample >= 1 || random() < sample;
}

function share(value: unknown): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : 1;
}

interface LoggedBody {
  text: string;
  /** Its media type, as it was sent. */
  type: string;
  /** Members that the operation wants masked. */
  pointers: readonly string[] | undefined;
}

/** Bodies are kept only where somebody asked for them, and never those of the platform's own operations: they set passwords. */
function loggedBody({ operation, bodyText: text, snapshot, request }: Call): LoggedBody | null {
  if (text === null || text === '' || operation === null || operation.native !== null) {
    return null;
  }
  const options = operation.options?.log;
  if (!(options?.body ?? truth(snapshot.config('log_bodies')))) {
    return null;
  }
  return { text, type: request.headers.get('content-type') ?? '', pointers: options?.redact };
}

function truth(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true';
}

/** Headers as they are shown: at most 64, 8,192 characters. */
function shownHeaders({ names, values }: HeaderList): Record<string, string> {
  const shown: Record<string, string> = Object.create(null);
  let room = 8192;
  for (let at = 0; at < Math.min(names.length, 64); at++) {
    const name = names[at]!;
    const value = cut(shownHeader(name, values[at]!), 1023);
    room -= name.length + value.length + 3;
    if (room < 0) {
      break;
    }
    shown[name] = value;
  }
  return shown;
}

function userAgent(received: HeaderList): string {
  const value = headerValue(received, 'user-agent');
  return value === null ? '' : cut(shownHeader('user-agent', value), 255);
}

/** Printable, without its secret. */
function shownHeader(name: string, value: string): string {
  return inertText(redactHeader(name, value));
}

/** `printable`, which nearly no text needs. */
function inertText(text: string): string {
  return inert.test(text) ? text : printable(text);
}

const inert = /^[ -~]*$/;

/** An address that could not be brought into its one form is shown as it came. */
function pathOf({ path, url }: Call): string {
  return path.segments.length > 0 ? path.text : url.pathname;
}

/** As the platform tells it, in a header or beside the request; only for the data points, which a local run does not have. */
function countryOf({ received, request, runtime }: Call): string | null {
  const named = received === undefined ? null : headerValue(received, 'cf-ipcountry');
  return named ?? (runtime.env.USAGE === undefined ? null : ((request.cf?.country as string | undefined) ?? null));
}

/** What nothing matched belongs to the part of the platform that its path names. */
function categoryOf(path: string): number {
  const first = path.split('/', 2)[1] ?? '';
  return Object.hasOwn(categories, first) ? categories[first as keyof typeof categories] : categories.default;
}

/** Who reads the log needs the cause; the caller was told less. */
function messageOf(error: ApiError): string {
  const { cause } = error;
  if (cause === undefined || cause === null) {
    return error.message;
  }
  return `${error.message} (${cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)})`;
}

function traceOf(error: ApiError): string | null {
  if (error.errors !== undefined && error.errors.length > 0) {
    const lines = error.errors.slice(0, 50).map(({ pointer, rule, message }) => `${pointer} ${rule}: ${message}`);
    return shownTrace(lines.join('\n'));
  }
  const stack = error.status >= 500 ? (error.cause instanceof Error ? error.cause.stack : error.stack) : undefined;
  return stack === undefined ? null : shownTrace(stack);
}

/** A stack trace for the log: secrets redacted, lines kept, at most 4,096 characters. */
export function shownTrace(trace: string): string {
  return cut(printableLines(redactText(cut(trace, 8192))), 4096);
}
