import type { Call, Input } from '../core/call.ts';
import { ApiError, type ErrorCode } from '../core/errors.ts';
import type { IdempotencyRpc, KeptOutcome, KeyVerdict } from '../core/idempotency.ts';
import { collect } from '../lib/collect.ts';
import { within } from '../lib/deadline.ts';
import { sha256 } from '../lib/hash.ts';
import type { Soon } from '../lib/soon.ts';
import { readBody } from './read-body.ts';

/** Bytes of a request's and of an answer's body. */
const largest = 1024 * 1024;
/** Milliseconds beyond the action's own time until a use without an outcome is held for lost: for reading its answer. */
const grace = 15_000;
/** Milliseconds that the object has for its answer. */
const answering = 5_000;
const methods = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** Errors that say that nothing was begun: the key stays free. */
const harmless: ErrorCode[] = ['insufficient_points', 'forbidden', 'not_configured', 'circuit_open', 'egress_denied'];

/**
 * Runs an operation that allows it at most once per `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): who repeats
 * a request with its key within a day gets the first one's answer, also while that is still under way. Keys are the caller's
 * own at this operation; an anonymous caller is its address. Throws 400 for a key that is malformed, or missing where it is
 * required; 422 when the key came with another request; 409 when the first use was cut off and nobody knows what it did.
 */
export function once(call: Call, input: Input, run: () => Soon<unknown>): Soon<unknown> {
  const operation = call.operation!;
  const mode = operation.native === null ? operation.options?.idempotency : undefined;
  return mode === undefined || !methods.includes(call.method) ? run() : runOnce(call, input, run, mode);
}

async function runOnce(
  call: Call,
  input: Input,
  run: () => Soon<unknown>,
  mode: 'allowed' | 'required',
): Promise<unknown> {
  const key = readKey(call.request.headers.get('idempotency-key'));
  if (key === null) {
    if (mode === 'required') {
      throw new ApiError('invalid_request', 'This operation requires the header Idempotency-Key');
    }
    return run();
  }
  const fingerprint = await fingerprintOf(call, input);
  // Asked for anew each time: a stub is no good any more when its object broke down.
  const object = () => objectOf(call, key);
  const token = crypto.randomUUID();
  const lease = (call.operation!.options?.timeout ?? 30_000) + grace;
  const verdict = await claim(call, object, { fingerprint, token, lease });
  if (verdict.state !== 'claimed') {
    return repeat(call, verdict);
  }
  let response: Response;
  try {
    response = (await run()) as Response;
  } catch (thrown) {
    const error = ApiError.from(thrown);
    await settle(call, () =>
      harmless.includes(error.code) ? object().release(token) : object().keep(token, { error: error.toPlain() }),
    );
    throw thrown;
  }
  return keepAnswer(call, object, token, response);
}

/** An RFC 8941 string, or the bare characters that most clients send; null when there is none. */
function readKey(header: string | null): string | null {
  if (header === null) {
    return null;
  }
  const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/.exec(header)?.[1]?.replace(/\\(.)/g, '$1');
  const key = quoted ?? (/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(header) ? header : '');
  if (key === '' || key.length > 255) {
    throw new ApiError('invalid_request', 'The header Idempotency-Key must be a string of 1 to 255 characters, "…"');
  }
  return key;
}

/** Method, path, query, type and bytes of the body: a body that no contract needed is read for it. */
async function fingerprintOf(call: Call, input: Input): Promise<string> {
  if (input.bytes === null && call.request.body !== null) {
    input.bytes = await readBody(call.request, largest);
  }
  const bytes = input.bytes ?? new Uint8Array();
  if (bytes.byteLength > largest) {
    throw new ApiError('body_too_large', 'With an Idempotency-Key the body may have 1 MB');
  }
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  const type = call.request.headers.get('content-type') ?? '';
  return sha256(
    JSON.stringify([call.method, call.path.text, call.url.search, type, Buffer.from(digest).toString('hex')]),
  );
}

function objectOf({ runtime, tenant, operation, caller, ip }: Call, key: string): IdempotencyRpc {
  const who = caller.userId === null && caller.appId === null ? ip : [caller.userId, caller.appId];
  return runtime.env.IDEMPOTENCY.getByName(
    `idempotency:${tenant}:${sha256(JSON.stringify([operation!.id, who, key]))}`,
  );
}

/** A second try names the same use. Without the object nothing is run. */
async function claim(
  call: Call,
  object: () => IdempotencyRpc,
  use: Parameters<IdempotencyRpc['use']>[0],
): Promise<KeyVerdict> {
  // It answers when the first use has ended, which is within the lease.
  const ask = () => within(use.lease + answering, 'The idempotency key', () => object().use(use));
  try {
    return await ask().catch(ask);
  } catch (cause) {
    call.runtime.defer(object().release(use.token));
    throw new ApiError('unavailable', 'Idempotency keys cannot be looked up at the moment', {
      cause,
      headers: { 'Retry-After': '2' },
    });
  }
}

function repeat(call: Call, verdict: Exclude<KeyVerdict, { state: 'claimed' }>): Response {
  if (verdict.state === 'differs') {
    throw new ApiError('idempotency_mismatch');
  }
  if (verdict.state === 'unknown') {
    throw new ApiError('idempotency_unknown');
  }
  const { outcome } = verdict;
  if ('answer' in outcome && outcome.answer === null) {
    throw new ApiError(
      'idempotency_unknown',
      'The request was answered before, and the answer was too large to be kept',
    );
  }
  call.headers.set('Idempotent-Replayed', 'true');
  if ('error' in outcome) {
    throw ApiError.fromPlain(outcome.error);
  }
  const { status, headers, body } = outcome.answer!;
  return new Response(body as Uint8Array<ArrayBuffer> | null, { status, headers });
}

/** Keeps the answer before the caller gets it. One that is too large is passed on as it comes. */
async function keepAnswer(
  call: Call,
  object: () => IdempotencyRpc,
  token: string,
  response: Response,
): Promise<Response> {
  const { status } = response;
  const headers = new Headers(response.headers);
  if (headers.has('content-encoding')) {
    // It counts the encoded bytes, and the platform encodes anew.
    headers.delete('content-length');
  }
  const kept = (body: Uint8Array | null): KeptOutcome => ({ answer: { status, headers: [...headers], body } });
  if (response.body === null) {
    await settle(call, () => object().keep(token, kept(null)));
    return response;
  }
  const [answer, copy] = response.body.tee();
  let bytes: Uint8Array | null;
  try {
    bytes = await collect(copy, largest);
  } catch (cause) {
    const error = new ApiError('bad_gateway', 'The answer of the action broke off', { cause });
    await settle(call, () => object().keep(token, { error: error.toPlain() }));
    throw error;
  }
  await settle(call, () => object().keep(token, bytes === null ? { answer: null } : kept(bytes)));
  return new Response(bytes === null ? answer : (bytes as Uint8Array<ArrayBuffer>), { status, headers });
}

/** The caller gets the answer in any case; where it could not be kept, whoever repeats the request gets 409. */
async function settle(call: Call, work: () => Promise<void>): Promise<void> {
  await work()
    .catch(work)
    .catch((thrown) => call.runtime.report('idempotency.keep', thrown));
}
