import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import type { CallOperation, Input } from '../../worker/core/call.ts';
import { ApiError } from '../../worker/core/errors.ts';
import { readInput } from '../../worker/gateway/read-input.ts';
import { callOf, chunked, schemaRecord, snapshotOf } from './call.ts';

type Json = Record<string, unknown>;
type Sent = Omit<RequestInit, 'body'> & { body?: BodyInit | ReadableStream<Uint8Array>; type?: string; query?: string };

const Seed: Json = {
  definitions: {
    Seed: {
      type: 'struct',
      properties: {
        name: { type: 'string', nullable: false, maxLength: 10 },
        count: { type: 'integer', minimum: 0 },
        tags: { type: 'array', schema: { type: 'string' } },
        sown: { type: 'string', format: 'date' },
      },
    },
  },
  root: 'Seed',
};
const schemas = {
  Seed,
  Open: { type: 'object', properties: { a: { type: 'integer' } } },
  Nested: { type: 'object', properties: { seed: { $ref: 'schema://Seed' } } },
  Scalar: { type: 'integer' },
};

function requestOf({ type, query, ...sent }: Sent, method = 'POST'): Request {
  const headers = new Headers(sent.headers);
  if (type !== undefined) {
    headers.set('content-type', type);
  } else if (typeof sent.body === 'string') {
    // The constructor would say text/plain.
    headers.set('content-type', 'application/json');
  }
  const init = { method, ...sent, headers, duplex: 'half' } as RequestInit;
  return new Request(`https://gateway.example/things/1${query ?? ''}`, init);
}

async function read(
  operation: Partial<CallOperation>,
  sent: Sent,
  params: Record<string, string> = {},
  method = 'POST',
) {
  const call = callOf(operation, requestOf(sent, method), { schemas, params });
  return { call, input: await readInput(call) };
}

async function refusal(
  operation: Partial<CallOperation>,
  sent: Sent,
  params?: Record<string, string>,
  method?: string,
): Promise<ApiError> {
  try {
    await read(operation, sent, params, method);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ApiError);
    return thrown as ApiError;
  }
  throw new Error('The input was accepted');
}

const seed = { incoming: 'schema://Seed' };
const json = (value: unknown): Sent => ({ body: JSON.stringify(value) });

describe('bodies for a schema', () => {
  it('are read, with their bytes', async () => {
    const text = '{ "name": "pea", "count": 9007199254740993 }';
    const { call, input } = await read(seed, { body: text });
    expect(input.body).toEqual({ name: 'pea', count: Number('9007199254740993') });
    expect(new TextDecoder().decode(input.bytes!)).toBe(text);
    expect(call.bodyText).toBe(text);
  });

  it.each([
    undefined,
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/vnd.a.v1+json',
    'text/json',
    'nonsense',
  ])('are JSON as %s', async (type) => {
    const body = new TextEncoder().encode('{"name":"pea"}');
    const { input } = await read(seed, { body, type });
    expect(input.body).toEqual({ name: 'pea' });
  });

  it("are refused in Fusio's words, all violations with pointers", async () => {
    const error = await refusal(seed, json({ count: -1, tags: ['a', 1], sown: 'tomorrow', more: true }));
    expect(error).toMatchObject({ code: 'invalid_body', status: 400, message: '/name must not be null' });
    expect(error.errors).toEqual([
      { pointer: '/body/name', rule: 'required', message: 'must not be null' },
      { pointer: '/body/count', rule: 'minimum', message: 'must not be less than 0' },
      { pointer: '/body/tags/1', rule: 'type', message: 'must be of type string' },
      { pointer: '/body/sown', rule: 'format', message: 'must be a valid full-date format [RFC3339]' },
    ]);
  });

  it.each<[string, string, string]>([
    ['[1,2]', '/ must be of type object', '/body'],
    ['null', '/ must not be null', '/body'],
    ['{"name":1}', '/name must be of type string', '/body/name'],
    ['{"name":"peas and beans"}', '/name must not be longer than 10 characters', '/body/name'],
    [
      '{"name":"pea",}',
      'The request body is not valid JSON: it has an unexpected character "}" (at byte 14)',
      '/body/name',
    ],
    ['{"name":"p', 'The request body is not valid JSON: it ends before it is complete (at byte 10)', '/body/name'],
    ['   ', 'The request body is not valid JSON: it ends before it is complete (at byte 3)', '/body'],
    ['{"name":"a","name":"b"}', 'The request body has the member "name" twice (at byte 12)', '/body/name'],
    [
      `{"name":${'['.repeat(70)}`,
      'The request body is nested deeper than 64 levels (at byte 71)',
      `/body/name${'/0'.repeat(62)}`,
    ],
  ])('%s: %s', async (body, message, pointer) => {
    const error = await refusal(seed, { body });
    expect(error).toMatchObject({ code: 'invalid_body', status: 400, message });
    expect(error.errors![0]!.pointer.startsWith(pointer)).toBe(true);
  });

  it('are strict UTF-8', async () => {
    const body = Uint8Array.from([...new TextEncoder().encode('{"name":"'), 0xff, 0x22, 0x7d]);
    const error = await refusal(seed, { body });
    expect(error.errors).toEqual([{ pointer: '/body', rule: 'encoding', message: 'is not valid UTF-8 (at byte 9)' }]);
  });

  it('may be missing where nothing is required', async () => {
    expect((await read({ incoming: 'schema://Open' }, {})).input.body).toBeNull();
    expect((await read({ incoming: 'schema://Open' }, {})).input.body).toBeNull();
    // Who says that JSON comes has to send some.
    expect((await refusal({ incoming: 'schema://Open' }, { body: '' })).errors).toMatchObject([{ rule: 'syntax' }]);
    expect(await refusal(seed, {})).toMatchObject({ status: 400, message: '/name must not be null' });
    expect(await refusal({ incoming: 'schema://Scalar' }, {})).toMatchObject({
      status: 400,
      message: '/ must be of type integer',
    });
  });

  it('follow the schema when one that it names changes', async () => {
    const outer = schemaRecord('Nested', schemas.Nested);
    const bodies = async (seedSource: Json, revision: number) => {
      const snapshot = snapshotOf({ Nested: outer, Seed: schemaRecord('Seed', seedSource) }, revision);
      const call = callOf({ incoming: 'schema://Nested' }, requestOf(json({ seed: { name: 'a' } })), { snapshot });
      return (async () => readInput(call))().then(
        () => 'accepted',
        (error: ApiError) => error.message,
      );
    };
    expect(await bodies(Seed, 1)).toBe('accepted');
    expect(await bodies({ type: 'object', properties: { name: { type: 'integer' } } }, 2)).toBe(
      '/seed/name must be of type integer',
    );
    expect(await bodies(Seed, 3)).toBe('accepted');
  });

  it('need a schema that is there', async () => {
    expect(await refusal({ incoming: 'schema://None' }, json({}))).toMatchObject({
      code: 'not_configured',
      status: 503,
    });
    expect(await refusal({ incoming: 'php+class://A.B' }, json({}))).toMatchObject({ code: 'not_configured' });
    const snapshot = snapshotOf({ Nested: schemaRecord('Nested', schemas.Nested) });
    const call = callOf({ incoming: 'schema://Nested' }, requestOf(json({})), { snapshot });
    await expect((async () => readInput(call))()).rejects.toMatchObject({
      code: 'not_configured',
      message: expect.stringContaining('Seed'),
    });
  });

  it('may name the schema without its scheme', async () => {
    expect(await refusal({ incoming: 'Seed' }, json({}))).toMatchObject({ message: '/name must not be null' });
  });
});

describe('other content types for a schema', () => {
  it('may be a form where the schema is flat', async () => {
    const type = 'application/x-www-form-urlencoded';
    const { input } = await read(seed, { body: 'name=pea&count=3&tags=a&tags=b&more=x', type });
    expect(input.body).toEqual({ name: 'pea', count: 3, tags: ['a', 'b'], more: 'x' });
    expect(await refusal(seed, { body: 'name=pea&count=many', type })).toMatchObject({
      message: '/count must be of type integer',
    });
    expect(await refusal(seed, { body: 'name=a&name=b', type })).toMatchObject({
      message: '/name must not be given more than once',
    });
  });

  it.each<[Partial<CallOperation>, Sent, string]>([
    [
      seed,
      { body: '<a/>', type: 'application/xml' },
      'The content type application/xml of the request body is not supported, accepted is application/json or application/x-www-form-urlencoded',
    ],
    [
      { incoming: 'schema://Nested' },
      { body: 'a=b', type: 'application/x-www-form-urlencoded' },
      'The content type application/x-www-form-urlencoded of the request body is not supported, accepted is application/json',
    ],
    [
      seed,
      { body: '{"name":"a"}', type: 'application/x-www-form-urlencoded' },
      'The request body looks like JSON, but its content type is application/x-www-form-urlencoded; send Content-Type: application/json',
    ],
    [
      seed,
      { body: '{}', headers: { 'content-encoding': 'gzip' } },
      'The content encoding gzip of the request body is not supported',
    ],
  ])('are 415 else: %#', async (operation, sent, message) => {
    expect(await refusal(operation, sent)).toMatchObject({ code: 'unsupported_media_type', status: 415, message });
  });
});

describe('sizes', () => {
  const limited = (bodyLimit: number, incoming: string | null = 'schema://Open') => ({
    incoming,
    options: { bodyLimit },
  });

  it.each([
    [9, false],
    [10, true],
    [11, true],
  ])('with a limit of %i, ten bytes are read: %s', async (limit, accepted) => {
    const body = '{"a": 12 }';
    if (accepted) {
      expect((await read(limited(limit), { body })).input.body).toEqual({ a: 12 });
    } else {
      expect(await refusal(limited(limit), { body })).toMatchObject({
        status: 413,
        message: 'The request body is larger than 9 bytes',
      });
    }
  });

  it('are told by Content-Length before anything is read', async () => {
    const { stream, sent } = chunked(10, 10);
    const error = await refusal(seed, { body: stream, headers: { 'content-length': '1048577' } });
    expect(error.status).toBe(413);
    expect(sent()).toBe(0);
  });

  it('are counted while reading where no length is told', async () => {
    const { stream, sent } = chunked(100_000, 1000);
    expect(await refusal(seed, { body: stream })).toMatchObject({ code: 'body_too_large', status: 413 });
    expect(sent()).toBeLessThanOrEqual(12);
  });

  it('hold for bodies that are passed on', async () => {
    const headers = { 'content-length': '11' };
    expect(await refusal(limited(10, null), { body: 'x'.repeat(11), headers })).toMatchObject({ status: 413 });
    expect(await refusal(limited(10, null), { body: chunked(6, 2).stream })).toMatchObject({ status: 413 });
    const small = await read(limited(12, null), { body: chunked(6, 2).stream });
    expect(small.input).toMatchObject({ body: undefined, bytes: new Uint8Array(12).fill(0x20) });
    const large = await read(limited(2_000_000, null), { body: chunked(1_000_000, 3).stream });
    expect(large.input).toMatchObject({ body: undefined, bytes: null });
    // It must not end there, for an upstream would take it for whole.
    const ended = large.call.request.arrayBuffer().then(() => 'ended');
    const broken = new Promise((resolve) => large.call.bodyBroken!.addEventListener('abort', resolve));
    expect(await Promise.race([ended, broken])).not.toBe('ended');
    expect(large.call.bodyBroken!.reason).toMatchObject({ code: 'body_too_large' });
    const fits = await read(limited(2_000_000, null), { body: chunked(1_000_000, 2).stream });
    expect((await fits.call.request.arrayBuffer()).byteLength).toBe(2_000_000);
  });

  it('end with the sender', async () => {
    const stream = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('reset')) });
    expect(await refusal(seed, { body: stream })).toMatchObject({ code: 'invalid_body', status: 400 });
  });
});

describe('bodies that nothing needs', () => {
  it.each<[string, Partial<CallOperation>, string]>([
    ['without a contract', { incoming: null }, 'POST'],
    ['for Passthru', { incoming: 'schema://Passthru' }, 'PUT'],
    ['for a pinned Passthru', { incoming: 'schema://Passthru@0a1b' }, 'PATCH'],
    ['for a file', { incoming: 'mime://application/octet-stream' }, 'POST'],
    ['of DELETE', { incoming: 'schema://Seed' }, 'DELETE'],
  ])('%s stay unread', async (_what, operation, method) => {
    const { stream, sent } = chunked(10, 3);
    const { call, input } = await read(
      operation,
      { body: stream, headers: { 'content-encoding': 'gzip' } },
      {},
      method,
    );
    expect(input).toMatchObject({ body: undefined, bytes: null });
    expect(call.request.bodyUsed).toBe(false);
    expect(sent()).toBe(0);
  });

  it('are of the type that the contract names', async () => {
    const form = { incoming: 'mime://multipart/form-data' };
    const data = new FormData();
    data.set('file', new Blob(['x']), 'x.txt');
    expect((await read(form, { body: data })).input.bytes).toBeNull();
    expect(await refusal(form, json({}))).toMatchObject({
      status: 415,
      message: expect.stringContaining('multipart/form-data'),
    });
    expect((await read({ incoming: 'mime://image/*' }, { body: 'x', type: 'image/png' })).input.bytes).toBeNull();
    expect(await refusal({ incoming: 'mime://image/*' }, { body: 'x', type: 'text/plain' })).toMatchObject({
      status: 415,
    });
  });
});

describe('bodies of a media type', () => {
  it.each<[string, string | undefined, string, unknown]>([
    ['application/json', undefined, '[1,{"a":null}]', [1, { a: null }]],
    [
      'application/x-www-form-urlencoded',
      'application/x-www-form-urlencoded',
      'a=1&b=x+y&b=z&__proto__=q',
      Object.fromEntries([
        ['a', '1'],
        ['b', ['x y', 'z']],
        ['__proto__', 'q'],
      ]),
    ],
    ['text/plain', 'text/plain; charset=utf-8', 'grüß', 'grüß'],
    ['text/plain', 'text/csv', 'a,b', 'a,b'],
    ['application/xml', 'application/xml', '<a/>', '<a/>'],
    ['application/xml', 'application/soap+xml', '<a/>', '<a/>'],
  ])('%s as %s', async (mime, type, text, expected) => {
    const body = new TextEncoder().encode(text);
    const { call, input } = await read({ incoming: `mime://${mime}` }, { body, type });
    expect(input.body).toEqual(expected);
    expect(input.bytes).toEqual(body);
    expect(call.bodyText).toBe(text);
  });

  it.each([
    ['application/json', 'text/plain', '{}'],
    ['application/x-www-form-urlencoded', 'application/json', '{}'],
    ['text/plain', 'application/json', '{}'],
    ['application/xml', 'text/plain', '<a/>'],
  ])('%s not as %s', async (mime, type, body) => {
    expect(await refusal({ incoming: `mime://${mime}` }, { body, type })).toMatchObject({ status: 415 });
  });

  it('are strict UTF-8 and strict JSON', async () => {
    const body = Uint8Array.from([0xe4]);
    expect(await refusal({ incoming: 'mime://text/plain' }, { body, type: 'text/plain' })).toMatchObject({
      status: 400,
    });
    expect(await refusal({ incoming: 'mime://application/json' }, { body: '{"a":1,"a":2}' })).toMatchObject({
      status: 400,
    });
  });
});

describe('parameters', () => {
  const operation: Partial<CallOperation> = {
    parameters: {
      id: { type: 'integer', minimum: 1 },
      count: { type: 'integer', minimum: 1, maximum: 1024 },
      deep: { type: 'boolean' },
      since: { type: 'string', format: 'date' },
    },
  };
  const get = (query: string, params: Record<string, string> = { id: '7' }): Promise<Input> =>
    read(operation, { query }, params, 'GET').then(({ input }) => input);

  it('are converted, the undeclared ones stay text', async () => {
    expect(await get('?count=10&deep=true&x=1', { id: '7', slug: '08' })).toEqual({
      path: { id: 7, slug: '08' },
      query: { count: 10, deep: true, x: '1' },
      body: undefined,
      bytes: null,
    });
  });

  it('are refused, those of both places at once', async () => {
    const error = await refusal(operation, { query: '?count=1025&since=now&deep=1&deep=0' }, { id: '0' }, 'GET');
    expect(error).toMatchObject({
      code: 'invalid_parameter',
      status: 400,
      message: '/path/id must not be less than 1',
    });
    expect(error.errors!.map(({ pointer, rule }) => `${pointer} ${rule}`)).toEqual([
      '/path/id minimum',
      '/query/deep type',
      '/query/count maximum',
      '/query/since format',
    ]);
  });

  it('are judged before the body is read', async () => {
    const { stream, sent } = chunked(10, 1);
    const error = await refusal({ ...operation, ...seed }, { body: stream, query: '?count=x' }, { id: '1' });
    expect(error).toMatchObject({ code: 'invalid_parameter', message: '/query/count must be of type integer' });
    expect(sent()).toBe(0);
  });

  it('with a contract that cannot be used are 503', async () => {
    const broken = { parameters: { q: { type: 'string' as const, pattern: '(?=x)' } } };
    expect(await refusal(broken, {}, {}, 'GET')).toMatchObject({ code: 'not_configured', status: 503 });
  });
});

describe("the platform's own operations", () => {
  const native = {
    name: 'backend.thing.create',
    method: 'POST' as const,
    path: '/backend/thing',
    description: '',
    scope: null,
    query: { count: { type: 'integer' as const, maximum: 1024 } },
    incoming: Type.Object({ name: Type.Optional(Type.String({ minLength: 3 })) }),
    run: async () => null,
  };

  it('have the same rules', async () => {
    expect((await read({ native }, json({ name: 'abc', more: 1 }))).input.body).toEqual({ name: 'abc', more: 1 });
    expect(await refusal({ native }, json({ name: 'a' }))).toMatchObject({
      message: '/name must not be shorter than 3 characters',
    });
    expect(await refusal({ native }, { query: '?count=1025' })).toMatchObject({
      message: '/query/count must not be greater than 1024',
    });
  });

  it('get an object where no body came', async () => {
    expect((await read({ native }, {})).input.body).toEqual({});
  });
});
