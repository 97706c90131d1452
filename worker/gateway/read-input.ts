import type { Call, CallOperation, Input } from '../core/call.ts';
import { ApiError, type Violation } from '../core/errors.ts';
import { memo } from '../core/snapshot.ts';
import { compileParameters, type Parameters, type Texts } from '../lib/schema/convert.ts';
import { compile, SchemaError } from '../lib/schema/engine.ts';
import { shapeOf } from '../lib/schema/shape.ts';
import { type Soon, soon } from '../lib/soon.ts';
import { essenceOf, isJson, parseBody } from './parse-body.ts';
import { defaultBodyLimit, readBody, refuseByLength, withCountedBody } from './read-body.ts';
import { type Contract, type PayloadReference, payloadReference, schemaOf } from './schema-of.ts';

/**
 * Brings the input into the form that the operation's contract promises: path and query parameters converted and checked,
 * the body read only where the contract needs it. A body that nothing needs stays an unread stream, whatever its type.
 * Throws 400 with every broken rule, 413, 415; 503 when the contract itself is no good.
 */
export function readInput(call: Call): Soon<Input> {
  const operation = call.operation!;
  const violations: Violation[] = [];
  const path = convert(call, 'path', Object.entries(call.params), violations);
  const query = convert(call, 'query', call.url.search === '' ? [] : call.url.searchParams, violations);
  refuse('invalid_parameter', violations);
  return soon(readPayload(call, operation), ({ body, bytes }) => ({ path, query, body, bytes }));
}

type Payload = Pick<Input, 'body' | 'bytes'>;

const unread: Payload = { body: undefined, bytes: null };

/** Converts and checks the parameters of one place. Violations are added, so that both places are told at once. */
function convert(call: Call, place: 'path' | 'query', texts: Texts, violations: Violation[]) {
  const converted = parametersOf(call, call.operation!)[place].convert(texts);
  for (const { pointer, rule, message } of converted.violations) {
    violations.push({ pointer: `/${place}${pointer}`, rule, message });
  }
  return converted.values;
}

/** The contracts of an operation's parameters. Fusio's records do not say where one is: those of the path are in the path. */
function parametersOf(call: Call, operation: CallOperation): Record<'path' | 'query', Parameters> {
  return memo(operation, 'parameters', () => {
    const declared = Object.entries(operation.native?.query ?? operation.parameters ?? {});
    const pick = (inPath: boolean) => {
      return Object.fromEntries(declared.filter(([name]) => Object.hasOwn(call.params, name) === inPath));
    };
    return usable(operation, 'The parameters', () => ({
      path: compileParameters(pick(true)),
      query: compileParameters(pick(false)),
    }));
  });
}

function readPayload(call: Call, operation: CallOperation): Soon<Payload> {
  return withBody.has(call.method) ? readKnown(call, operation) : unread;
}

const withBody = new Set(['POST', 'PUT', 'PATCH']);

async function readKnown(call: Call, operation: CallOperation): Promise<Payload> {
  const native = operation.native?.incoming;
  const reference = native === undefined ? payloadReference(operation.incoming) : null;
  if (reference !== null && isStreamed(reference)) {
    refuseType(call, reference);
    return passOn(call, operation);
  }
  const contract =
    native !== undefined
      ? memo(native, 'contract', () =>
          usable(operation, 'The body', () => ({ schema: compile(native), shape: shapeOf(native) })),
        )
      : reference?.kind === 'schema'
        ? await schemaOf(call, reference.name)
        : null;
  const type = reference?.kind === 'mime' ? reference.type : null;
  return checkBody(call, operation, contract, type);
}

/** Media types that are worth nothing in memory: files, and forms with files. */
function isStreamed(reference: PayloadReference): boolean {
  const read = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'application/xml', 'text/xml'];
  return reference.kind === 'any' || (reference.kind === 'mime' && !read.includes(reference.type));
}

/** A streamed body must still be of the type that the contract names; `application/octet-stream` takes every one. */
function refuseType(call: Call, reference: PayloadReference): void {
  const given = essenceOf(call.request.headers.get('content-type'));
  if (reference.kind !== 'mime' || reference.type === 'application/octet-stream' || given === null) {
    return;
  }
  const family = reference.type.endsWith('/*') ? reference.type.slice(0, -1) : null;
  if (family === null ? given !== reference.type : !given.startsWith(family)) {
    throw new ApiError(
      'unsupported_media_type',
      `The content type ${given} of the request body is not supported, accepted is ${reference.type}`,
    );
  }
}

/** Leaves the body to the action. A limit of the operation holds nevertheless. */
async function passOn(call: Call, operation: CallOperation): Promise<Payload> {
  const limit = operation.options?.bodyLimit;
  if (limit === undefined || call.request.body === null) {
    return unread;
  }
  refuseByLength(call.request, limit);
  if (call.request.headers.get('content-length') === null) {
    if (limit <= defaultBodyLimit) {
      // Small enough to be sure before the action starts.
      return { body: undefined, bytes: await readBody(call.request, limit) };
    }
    const counted = withCountedBody(call.request, limit);
    call.request = counted.request;
    call.bodyBroken = counted.broken;
  }
  return unread;
}

async function checkBody(
  call: Call,
  operation: CallOperation,
  contract: Contract | null,
  mime: string | null,
): Promise<Payload> {
  const encoding = call.request.headers.get('content-encoding');
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new ApiError(
      'unsupported_media_type',
      `The content encoding ${encoding} of the request body is not supported`,
    );
  }
  const bytes = await readBody(call.request, operation.options?.bodyLimit ?? defaultBodyLimit);
  const contentType = call.request.headers.get('content-type');
  if (bytes.byteLength === 0 && !promisesJson(operation, contract, contentType)) {
    return { body: absent(operation, contract), bytes };
  }
  const { body, text, violations } = parseBody(bytes, contentType, contract, mime);
  call.bodyText = text;
  refuse(
    'invalid_body',
    [...violations, ...(violations.length > 0 ? [] : (contract?.schema.check(body) ?? []))],
    '/body',
  );
  return { body, bytes };
}

/** Nothing is no JSON (RFC 8259 section 2): who says that JSON comes has to send some, save to the platform's own operations. */
function promisesJson(operation: CallOperation, contract: Contract | null, contentType: string | null): boolean {
  return operation.native === null && contract !== null && isJson(essenceOf(contentType) ?? '');
}

/** No body is null, as in Fusio, unless the contract asks for a member. The platform's own operations expect an object. */
function absent(operation: CallOperation, contract: Contract | null): unknown {
  if (contract !== null && contract.schema.check(null).length > 0) {
    refuse('invalid_body', contract.schema.check({}), '/body');
  }
  return operation.native === null ? null : {};
}

/** Throws with all violations. The message is Fusio's sentence for the first: `/title must be of type string`. */
function refuse(code: 'invalid_body' | 'invalid_parameter', violations: Violation[], place = ''): void {
  const [first] = violations;
  if (first !== undefined) {
    const errors = violations.map((violation) => ({ ...violation, pointer: place + violation.pointer }));
    throw new ApiError(code, `${first.pointer || '/'} ${first.message}`, { errors });
  }
}

function usable<T>(operation: CallOperation, what: string, make: () => T): T {
  try {
    return make();
  } catch (thrown) {
    if (thrown instanceof SchemaError) {
      const message = `${what} of the operation ${operation.name} cannot be checked`;
      throw new ApiError('not_configured', message, { cause: thrown });
    }
    throw thrown;
  }
}
