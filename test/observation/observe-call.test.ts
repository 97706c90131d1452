import { describe, expect, test } from 'vitest';
import { anonymous, type Call, type CallOperation } from '../../worker/core/call.ts';
import { ApiError } from '../../worker/core/errors.ts';
import type { CallObservation, Observation, ShownCall } from '../../worker/core/observation.ts';
import type { OperationOptions } from '../../worker/core/records.ts';
import type { SystemOperation } from '../../worker/core/system-operation.ts';
import { describeCall, observeCall } from '../../worker/gateway/observe-call.ts';
import { noon } from './facts.ts';

const operation = {
  id: 11,
  category_id: 1,
  name: 'todo.getAll',
  http_method: 'GET',
  http_path: '/todo',
  public: false,
  scopes: { todo: true },
  action: 'action://Todo',
  incoming: null,
  costs: 3,
  options: null as OperationOptions | null,
  native: null as SystemOperation | null,
};

interface Given {
  url?: string;
  init?: RequestInit;
  config?: Record<string, unknown>;
  options?: OperationOptions | null;
  call?: Partial<Call>;
}

function aCall({ url = 'https://api.example/todo', init, config = {}, options = null, call }: Given = {}): Call {
  const request = new Request(url, init);
  const observed: Observation[] = [];
  return {
    id: 'request-1',
    request,
    url: new URL(request.url),
    method: request.method,
    tenant: 'acme',
    ip: '192.0.2.1',
    started: noon,
    runtime: { env: {}, now: () => noon + 42, observer: { observe: (fact: Observation) => observed.push(fact) } },
    snapshot: { revision: 9, config: (name: string) => config[name] },
    path: { text: new URL(url).pathname, segments: ['todo'], slashed: [] },
    operation: { ...operation, options } as unknown as CallOperation,
    params: {},
    version: null,
    caller: { ...anonymous, userId: 5, appId: 2 },
    quota: null,
    headers: new Headers(),
    upstream: 30.4,
    points: 3,
    bodyText: null,
    observed,
    ...call,
  } as unknown as Call;
}

const half = () => 0.5;

/** An observation with what its row shows. */
function whole({ row, ...facts }: CallObservation): Omit<CallObservation, 'row'> & ShownCall {
  return { ...facts, ...row!.show() };
}

test('an observation holds everything about its call', () => {
  const call = aCall({
    url: 'https://api.example/todo?page=2',
    init: { headers: { 'user-agent': 'curl/8', accept: '*/*' } },
  });
  observeCall(call, 200, null);
  const [observed, ...more] = (call as unknown as { observed: CallObservation[] }).observed;
  expect([whole(observed!), more]).toEqual([
    {
      kind: 'call',
      tenant: 'acme',
      requestId: 'request-1',
      at: noon,
      duration: 42,
      upstream: 30,
      revision: 9,
      operationId: 11,
      operationName: 'todo.getAll',
      categoryId: 1,
      appId: 2,
      userId: 5,
      planId: null,
      ip: '192.0.2.1',
      userAgent: 'curl/8',
      method: 'GET',
      path: '/todo',
      query: 'page=2',
      status: 200,
      errorCode: null,
      errorMessage: null,
      trace: null,
      country: null,
      headers: { 'user-agent': 'curl/8', accept: '*/*' },
      body: null,
      explain: {
        ...{ route: 'GET /todo', action: 'action://Todo', costs: 3 },
        scopes: { needed: ['todo'], granted: [] },
      },
      points: 3,
    },
    [],
  ]);
});

describe('what the log keeps', () => {
  const kept = (status: number, given: Given, random = half) =>
    describeCall(aCall(given), status, null, random).row !== null;

  test.each([
    ['everything by default', 200, {}, true],
    ['the configured share, drawn in', 200, { config: { log_sample: 0.6 } }, true],
    ['the configured share, drawn out', 200, { config: { log_sample: 0.4 } }, false],
    ['the share as a text', 200, { config: { log_sample: '0.4' } }, false],
    ['everything when the share is nonsense', 200, { config: { log_sample: 'much' } }, true],
    [
      'the operation’s own share before the configured one',
      200,
      { config: { log_sample: 1 }, options: { log: { sample: 0 } } },
      false,
    ],
    ['errors whatever the share', 404, { config: { log_sample: 0 } }, true],
    ['nothing of an operation whose log is off', 200, { options: { log: { enabled: false, sample: 1 } } }, false],
    ['no errors of callers there either', 400, { options: { log: { enabled: false } } }, false],
    ['but failures of ours always', 503, { options: { log: { enabled: false } } }, true],
  ] as [string, number, Given, boolean][])('%s', (_title, status, given, expected) => {
    expect(kept(status, given)).toBe(expected);
  });

  test('no sample is drawn for nothing, and none is kept', () => {
    expect(kept(200, { config: { log_sample: 0 } }, () => 0)).toBe(false);
  });

  test('a call without a row is described without what only rows show', () => {
    const call = aCall({ options: { log: { sample: 0 } }, init: { headers: { 'user-agent': 'curl/8' } } });
    expect(describeCall(call, 200, null, half)).toMatchObject({
      row: null,
      status: 200,
      duration: 42,
    });
  });
});

describe('bodies', () => {
  const body = JSON.stringify({ title: 'Bread', password: 'canary', card: { number: '4111' } });
  const shown = (given: Given, call: Partial<Call> = {}) =>
    describeCall(aCall({ ...given, call: { bodyText: body, ...call } }), 200, null, half).row!.show().body;

  test('are kept only where somebody asked for them', () => {
    expect(shown({})).toBeNull();
    expect(shown({ config: { log_bodies: true }, options: { log: { body: false } } })).toBeNull();
    expect(shown({ config: { log_bodies: true } })).toBe('{"title":"Bread","password":"***","card":{"number":"4111"}}');
    expect(shown({ options: { log: { body: true, redact: ['/card/number'] } } })).toBe(
      '{"title":"Bread","password":"***","card":{"number":"***"}}',
    );
  });

  test('are never kept of the platform’s own operations', () => {
    const own = { operation: { ...operation, native: {} } as unknown as CallOperation };
    expect(shown({ config: { log_bodies: true } }, own)).toBeNull();
  });
});

describe('what a caller sends is inert and bounded', () => {
  test('limits', () => {
    const headers = new Headers({ 'user-agent': `m${'é'.repeat(300)}` });
    for (let index = 0; index < 100; index++) {
      headers.set(`x-header-${index}`, 'v'.repeat(200));
    }
    const call = aCall({ url: `https://api.example/${'p'.repeat(3000)}?${'q=1&'.repeat(1000)}`, init: { headers } });
    const seen = whole(describeCall(call, 200, null));
    expect(seen.userAgent.length).toBe(255);
    expect(seen.path.length).toBe(1023);
    expect(seen.query.length).toBe(1023);
    expect(JSON.stringify(seen.headers).length).toBeLessThan(9000);
  });

  test('secrets and control characters', () => {
    const secret = 'canary-9d8c7b6a';
    const call = aCall({
      url: `https://api.example/reset/${secret}?token=${secret}&next=%2Fa%3Fcode%3D${secret}`,
      init: {
        headers: {
          authorization: `Bearer ${secret}`,
          cookie: `sid=${secret}`,
          'x-api-key': secret,
          'x-note': 'a\u0085b',
          'user-agent': '\u009b31mred',
        },
      },
      call: { params: { token: secret }, method: 'GE\u001bT', ip: '1\n2' },
    });
    const cause = new Error(`refused: password=${secret}\u001b[0m`);
    const seen = whole(describeCall(call, 500, new ApiError('internal', undefined, { cause })));
    const text = JSON.stringify(seen);
    expect(text).not.toContain(secret);
    expect([seen.ip, seen.method, seen.userAgent, seen.headers!['x-note'], seen.errorMessage].join('')).not.toMatch(
      /[\u0000-\u001f\u007f-\u009f]/,
    );
    expect(seen.path).toBe('/reset/***');
    expect(seen.query).toBe('token=***&next=***');
  });
});

describe('scopes', () => {
  const caller = { ...anonymous, userId: 5, scopes: ['consumer', 'todo', 'todo.read'] };
  const explained = (error: ApiError | null, over: Partial<CallOperation> = {}) =>
    whole(describeCall(aCall({ call: { caller, operation: { ...operation, ...over } as CallOperation } }), 200, error))
      .explain as { scopes?: unknown };

  test('are those that opened the operation', () => {
    expect(explained(null).scopes).toEqual({ needed: ['todo'], granted: ['todo'] });
    expect(explained(null, { scopes: { 'todo.read': true, other: true } }).scopes).toEqual({
      ...{ needed: ['todo.read', 'other'], granted: ['todo', 'todo.read'] },
    });
    expect(explained(null, { public: true })).not.toHaveProperty('scopes');
  });

  test('or all of a token that did not open it', () => {
    const refusal = new ApiError('insufficient_scope');
    expect(explained(refusal, { scopes: { other: true } }).scopes).toEqual({
      ...{ needed: ['other'], granted: ['consumer', 'todo', 'todo.read'] },
    });
  });
});

describe('errors', () => {
  test('the reader of the log sees the cause and the stack', () => {
    const seen = describeCall(
      aCall(),
      500,
      new ApiError('internal', undefined, { cause: new TypeError('x is not a function') }),
    );
    expect(seen.errorCode).toBe('internal');
    expect(seen.errorMessage).toMatch(/\(TypeError: x is not a function\)$/);
    expect(seen.trace).toContain('observe-call.test.ts');
  });

  test('the broken rules of an input are its trace', () => {
    const error = new ApiError('invalid_body', 'not valid', {
      errors: [
        { pointer: '/body/title', rule: 'type', message: 'must be a string' },
        { pointer: '/query/count', rule: 'maximum', message: 'must be at most 1024' },
      ],
    });
    expect(describeCall(aCall(), 400, error)).toMatchObject({
      errorMessage: 'not valid',
      trace: '/body/title type: must be a string\n/query/count maximum: must be at most 1024',
    });
  });

  test.each([
    ['/backend/nothing', 2],
    ['/consumer/nothing', 3],
    ['/authorization/x', 5],
    ['/toString', 1],
    ['/', 1],
  ])('a call that nothing matched, %s, belongs to category %i', (path, category) => {
    const call = aCall({
      url: `https://api.example${path}`,
      call: { operation: null, path: { text: '/', segments: [], slashed: [] } },
    });
    expect(whole(describeCall(call, 404, new ApiError('unknown_location')))).toMatchObject({
      operationId: null,
      operationName: null,
      categoryId: category,
      path,
      trace: null,
    });
  });
});
