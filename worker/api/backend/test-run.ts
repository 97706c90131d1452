import type { Call, CallOperation } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { ChangeResult } from '../../core/ports.ts';
import type { Runtime } from '../../core/runtime.ts';
import { handle } from '../../gateway/handle.ts';
import { payloadReference, schemaOf } from '../../gateway/schema-of.ts';
import { collect } from '../../lib/collect.ts';
import { cut } from '../../lib/printable.ts';
import { redactBody } from '../../lib/redact-body.ts';
import { parseRoutePath } from '../../lib/route-path.ts';
import { compile } from '../../lib/schema/engine.ts';
import { resources } from '../../resources/index.ts';
import { testStatus } from '../../resources/test.ts';

/** The request of a test, as Fusio keeps it: texts like query strings, but for the body. */
export interface TestConfig {
  method?: string | null;
  uriFragments?: string | null;
  parameters?: string | null;
  headers?: string | null;
  body?: unknown;
}

export interface TestResult {
  status: number;
  /** One finding a line. */
  message: string;
  response: string | null;
}

/** How a test of an operation may run: as it is, as a plan, only with a confirmation, or not at all. */
export type Manner = 'real' | 'plan' | 'confirm' | 'never';

export function mannerOf({ native, http_method, name, costs }: CallOperation): Manner {
  if (http_method === 'GET') {
    return costs > 0 ? 'confirm' : 'real';
  }
  if (native === null) {
    return 'confirm';
  }
  const [, noun, verb] = /^backend\.(\w+)\.(create|update|delete)$/.exec(name) ?? [];
  const resource = noun === undefined ? undefined : resources.get(noun);
  // Only what is published can be computed without being done.
  return resource?.versioned && resource.verbs.includes(verb as 'create') ? 'plan' : 'never';
}

/** Largest answer that is checked, and what is kept of it. */
const cap = 1024 * 1024;
const kept = 10_000;

/** Sends a test's request through the whole journey, by the right of who runs the test, and holds the answer against the contract. */
export async function runTest(call: Call, operation: CallOperation, config: TestConfig): Promise<TestResult> {
  const planned: ChangeResult[] = [];
  const runtime = mannerOf(operation) === 'plan' ? planning(call.runtime, planned) : call.runtime;
  let response: Response;
  try {
    response = await handle(requestOf(call, operation, config), call.snapshot, runtime);
  } catch (thrown) {
    return { status: testStatus.error, message: ApiError.from(thrown).message, response: null };
  }
  const bytes = await collect(response.body, cap);
  const body = bytes === null ? '' : new TextDecoder().decode(bytes);
  const errors = bytes === null ? [`The answer has more than ${cap} bytes`] : [];
  if (response.status !== operation.http_code) {
    errors.push(`The status is ${response.status}, not ${operation.http_code}`);
  }
  const checked =
    response.status < 300 && bytes !== null
      ? await checkBody(call, operation, response, body)
      : { errors: [], free: false };
  errors.push(...checked.errors);
  const { error, warning, success } = testStatus;
  return {
    status: errors.length > 0 ? error : checked.free ? warning : success,
    message:
      errors.length > 0
        ? errors.slice(0, 20).join('\n')
        : checked.free
          ? 'The operation says nothing of what it answers'
          : '',
    response: planned.length > 0 ? cut(JSON.stringify({ planned }), kept) : shown(response, body),
  };
}

/** What is kept of an answer: secrets that it shows are masked. */
function shown(response: Response, body: string): string {
  return cut(redactBody(body, { type: response.headers.get('content-type') ?? '' }), kept);
}

/** `free`: there is no contract to hold the answer against. */
async function checkBody(call: Call, operation: CallOperation, response: Response, body: string) {
  const own = operation.native?.outgoing;
  const reference = payloadReference(operation.outgoing);
  if (response.status === 204 || (own === undefined && reference.kind !== 'schema')) {
    return { errors: [], free: response.status !== 204 };
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { errors: ['The answer is no JSON'], free: false };
  }
  const schema =
    own !== undefined || reference.kind !== 'schema'
      ? compile(own as unknown as Record<string, unknown>)
      : (await schemaOf(call, reference.name)).schema;
  return { errors: schema.check(value).map(({ pointer, message }) => `${pointer || '/'} ${message}`), free: false };
}

/** Publishes nothing: what would be changed is noted. */
function planning(runtime: Runtime, planned: ChangeResult[]): Runtime {
  return {
    ...runtime,
    publishing: {
      async commit(request) {
        const result = await runtime.publishing.commit({ ...request, plan: true });
        planned.push(...result.results);
        return result;
      },
      rollback: (tenant, to, actor) => runtime.publishing.rollback(tenant, to, actor, true),
      revoke: async () => undefined,
      firewall: async () => undefined,
    },
  };
}

/** The request as a caller would send it; address and token are those of who runs the test, unless the test names a token. */
function requestOf(call: Call, operation: CallOperation, config: TestConfig): Request {
  const { request, url, runtime } = call;
  const headers = new Headers([...new URLSearchParams(config.headers ?? '')]);
  const trusted = runtime.env.TRUSTED_IP_HEADER;
  for (const name of ['authorization', ...(trusted ? [trusted] : [])]) {
    const value = request.headers.get(name);
    if (value !== null && !(name === 'authorization' && headers.has(name))) {
      headers.set(name, value);
    }
  }
  const method = operation.http_method;
  const sends = config.body !== undefined && config.body !== null && !['GET', 'DELETE'].includes(method);
  if (sends && !headers.has('content-type')) {
    headers.set('content-type', 'application/json');
  }
  const query = config.parameters ? `?${config.parameters}` : '';
  return new Request(`${url.origin}${pathOf(operation, config.uriFragments)}${query}`, {
    method,
    headers,
    ...(sends && { body: typeof config.body === 'string' ? config.body : JSON.stringify(config.body) }),
  });
}

/** Throws ApiError `invalid_request` when the test lacks a part of the path. */
function pathOf({ http_path }: CallOperation, uriFragments: string | null | undefined): string {
  const values = new URLSearchParams(uriFragments ?? '');
  const parsed = parseRoutePath(http_path);
  const segments = parsed.ok ? parsed.route.segments : [];
  return `/${segments
    .map((segment) => {
      if (segment.kind === 'static') {
        return encodeURIComponent(segment.text);
      }
      const value = values.get(segment.name);
      if (value === null || value === '') {
        throw new ApiError('invalid_request', `The test has no uriFragments for "${segment.name}"`);
      }
      return segment.kind === 'rest' ? value.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(value);
    })
    .join('/')}`;
}
