import type { Call } from '../core/call.ts';
import { ApiError, type Violation } from '../core/errors.ts';
import { collect } from '../lib/collect.ts';
import { scanJson } from '../lib/json-scan.ts';
import type { Soon } from '../lib/soon.ts';
import { essenceOf, isJson } from './parse-body.ts';
import { type Contract, payloadReference, schemaOf } from './schema-of.ts';

/** Bytes of an answer that are held to be checked. */
const cap = 1024 * 1024;

/**
 * Holds an answer against the operation's `outgoing` (2xx) or `throws` (4xx, 5xx), as `validateResponse` says: `enforce`
 * buffers it and throws 502 when it breaks the contract or is over the cap; `report` lets it pass as it comes and observes
 * a fault afterwards; otherwise nothing is done. Answers without a contract of their own are never held.
 */
export function checkResponse(call: Call, response: Response): Soon<Response> {
  const mode = call.operation?.native === null ? (call.operation.options?.validateResponse ?? 'off') : 'off';
  return mode === 'off' || !hasBody(call, response) ? response : check(call, response, mode);
}

async function check(call: Call, response: Response, mode: 'report' | 'enforce'): Promise<Response> {
  const reference = payloadReference(contractFor(call, response.status));
  if (reference.kind !== 'schema') {
    return response;
  }
  const contract = await schemaOf(call, reference.name);
  return mode === 'enforce' ? enforce(response, contract) : report(call, response, contract);
}

function hasBody(call: Call, response: Response): boolean {
  return call.method !== 'HEAD' && response.status >= 200 && ![204, 205, 304].includes(response.status);
}

/** Fusio's `throws`: by exact status, 499 and 599 for the whole class, 999 for any error. */
function contractFor(call: Call, status: number): string | null {
  const operation = call.operation!;
  if (status < 300) {
    return operation.outgoing;
  }
  const throws = operation.throws ?? {};
  const family = status >= 500 ? '599' : '499';
  return status < 400 ? null : (throws[status] ?? throws[family] ?? throws['999'] ?? null);
}

async function enforce(response: Response, contract: Contract): Promise<Response> {
  const violations = typeViolations(response);
  if (violations.length > 0) {
    response.body?.cancel().catch(() => undefined);
    throw invalid(violations);
  }
  const bytes = await collect(response.body, cap);
  if (bytes === null) {
    throw new ApiError('invalid_response', `The action returned more than the ${cap} bytes that can be checked`);
  }
  const found = bodyViolations(bytes, contract);
  if (found.length > 0) {
    throw invalid(found);
  }
  const headers = new Headers(response.headers);
  if (headers.has('content-encoding')) {
    // It counts the encoded bytes, and the platform encodes anew.
    headers.delete('content-length');
  }
  return new Response(bytes, { status: response.status, statusText: response.statusText, headers });
}

/** The caller gets one branch at once, the check reads the other; over the cap it stops reading. */
function report(call: Call, response: Response, contract: Contract): Response {
  const fault = (message: string): void => call.runtime.report('response.check', new Error(message));
  const [violation] = typeViolations(response);
  if (violation !== undefined || response.body === null) {
    fault(violation === undefined ? 'The response is empty' : sentence(violation));
    return response;
  }
  const [answer, copy] = response.body.tee();
  const checkCopy = async (): Promise<void> => {
    const bytes = await collect(copy, cap);
    if (bytes === null) {
      fault(`The response is larger than the ${cap} bytes that can be checked`);
      return;
    }
    for (const found of bodyViolations(bytes, contract)) {
      fault(sentence(found));
    }
  };
  call.runtime.defer(checkCopy());
  return new Response(answer, response);
}

function typeViolations(response: Response): Violation[] {
  const type = essenceOf(response.headers.get('content-type'));
  if (type !== null && isJson(type)) {
    return [];
  }
  return [
    { pointer: '/response', rule: 'type', message: `must be JSON, but its content type is ${type ?? 'missing'}` },
  ];
}

function bodyViolations(bytes: Uint8Array, contract: Contract): Violation[] {
  const scanned = scanJson(bytes);
  const found = scanned.ok
    ? contract.schema.check(scanned.value)
    : [{ pointer: scanned.pointer ?? '', rule: scanned.reason, message: scanned.message }];
  return found.map((violation) => ({ ...violation, pointer: `/response${violation.pointer}` }));
}

function invalid(violations: Violation[]): ApiError {
  const message = `The action returned a response that breaks its own contract: ${sentence(violations[0]!)}`;
  return new ApiError('invalid_response', message, { errors: violations });
}

function sentence({ pointer, message }: Violation): string {
  return `${pointer} ${message}`;
}
