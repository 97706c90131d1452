import { describe, expect, it } from 'vitest';
import type { CallOperation } from '../../worker/core/call.ts';
import { ApiError } from '../../worker/core/errors.ts';
import { checkResponse } from '../../worker/gateway/check-response.ts';
import { callOf, chunked } from './call.ts';

const schemas = {
  Thing: { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } },
  Problem: { type: 'object', required: ['message'] },
};

function check(
  mode: 'off' | 'report' | 'enforce',
  response: Response,
  operation: Partial<CallOperation> = {},
  method = 'GET',
) {
  const request = new Request('https://gateway.example/things', { method });
  const full = { outgoing: 'schema://Thing', options: { validateResponse: mode }, ...operation };
  const call = callOf(full, request, { schemas });
  return { call, checked: Promise.resolve(checkResponse(call, response)) };
}

async function refusal(response: Response, operation?: Partial<CallOperation>): Promise<ApiError> {
  const outcome = await check('enforce', response, operation).checked.catch((thrown: unknown) => thrown);
  expect(outcome).toBeInstanceOf(ApiError);
  return outcome as ApiError;
}

const json = (value: unknown, init: ResponseInit = {}) => Response.json(value, init);

describe('enforcing', () => {
  it('lets a good answer through as it was', async () => {
    const response = new Response('{"id": 1}', {
      status: 201,
      headers: { 'content-type': 'application/json', 'x-own': 'a' },
    });
    const checked = await check('enforce', response).checked;
    expect(checked.status).toBe(201);
    expect(checked.headers.get('x-own')).toBe('a');
    expect(await checked.text()).toBe('{"id": 1}');
  });

  it('refuses one that breaks the contract, and says how', async () => {
    const error = await refusal(json({ id: 'x' }));
    expect(error).toMatchObject({ code: 'invalid_response', status: 502 });
    expect(error.message).toBe(
      'The action returned a response that breaks its own contract: /response/id must be of type integer',
    );
    expect(error.errors).toEqual([{ pointer: '/response/id', rule: 'type', message: 'must be of type integer' }]);
  });

  it.each<[string, Response, RegExp]>([
    ['no JSON', new Response('{', { headers: { 'content-type': 'application/json' } }), /ends before it is complete/],
    ['another type', new Response('id', { headers: { 'content-type': 'text/html' } }), /text\/html/],
    [
      'an event stream',
      new Response('data: 1', { headers: { 'content-type': 'text/event-stream' } }),
      /text\/event-stream/,
    ],
    ['nothing', new Response('', { headers: { 'content-type': 'application/json' } }), /complete/],
    ['a name twice', new Response('{"id":1,"id":2}', { headers: { 'content-type': 'application/json' } }), /twice/],
  ])('refuses %s', async (_what, response, message) => {
    expect((await refusal(response)).message).toMatch(message);
  });

  it('reads no more than the cap, which it names', async () => {
    const { stream, sent } = chunked(100_000, 1000);
    const error = await refusal(new Response(stream, { headers: { 'content-type': 'application/json' } }));
    expect(error).toMatchObject({ code: 'invalid_response', message: expect.stringContaining('1048576 bytes') });
    expect(sent()).toBeLessThanOrEqual(13);
  });

  it.each<[number, Record<string, string>, boolean]>([
    [404, { 404: 'schema://Problem' }, false],
    [404, { 499: 'schema://Problem' }, false],
    [404, { 999: 'schema://Problem' }, false],
    [404, { 500: 'schema://Problem', 599: 'schema://Problem' }, true],
    [503, { 599: 'schema://Problem' }, false],
    [503, { 499: 'schema://Problem' }, true],
    [302, { 999: 'schema://Problem' }, true],
  ])('holds errors against throws: %i, %j', async (status, throws, passes) => {
    const outcome = check('enforce', json({}, { status }), { throws }).checked;
    await (passes
      ? expect(outcome).resolves.toHaveProperty('status', status)
      : expect(outcome).rejects.toHaveProperty('code', 'invalid_response'));
  });
});

describe('reporting', () => {
  it('passes everything on and observes what is wrong', async () => {
    const { call, checked } = check('report', json({ id: 'x' }));
    expect(await (await checked).json()).toEqual({ id: 'x' });
    await Promise.all(call.deferred);
    expect(call.faults).toEqual(['/response/id must be of type integer']);
  });

  it('is silent about good answers', async () => {
    const { call, checked } = check('report', json({ id: 1 }));
    expect(await (await checked).json()).toEqual({ id: 1 });
    await Promise.all(call.deferred);
    expect(call.faults).toEqual([]);
  });

  it('does not wait for the end of the answer', async () => {
    let end: () => void = () => undefined;
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"id":'));
        end = () => {
          controller.enqueue(new TextEncoder().encode('true}'));
          controller.close();
        };
      },
    });
    const { call, checked } = check(
      'report',
      new Response(stream, { headers: { 'content-type': 'application/json' } }),
    );
    const response = await checked;
    end();
    expect(await response.text()).toBe('{"id":true}');
    await Promise.all(call.deferred);
    expect(call.faults).toEqual(['/response/id must be of type integer']);
  });

  it('gives up over the cap, the answer does not', async () => {
    const { call, checked } = check(
      'report',
      new Response(chunked(500_000, 4).stream, { headers: { 'content-type': 'application/json' } }),
    );
    expect((await (await checked).arrayBuffer()).byteLength).toBe(2_000_000);
    await Promise.all(call.deferred);
    expect(call.faults).toEqual(['The response is larger than the 1048576 bytes that can be checked']);
  });
});

describe('what is never held', () => {
  const bad = () => json({ id: 'x' });

  it.each<[string, () => ReturnType<typeof check>]>([
    ['everything, when it is off', () => check('off', bad())],
    ['Passthru', () => check('enforce', bad(), { outgoing: 'schema://Passthru' })],
    ['media types', () => check('enforce', bad(), { outgoing: 'mime://text/plain' })],
    ['no contract', () => check('enforce', bad(), { outgoing: null })],
    ['HEAD', () => check('enforce', new Response(null), {}, 'HEAD')],
    ['204', () => check('enforce', new Response(null, { status: 204 }))],
  ])('%s', async (_what, run) => {
    const { call, checked } = run();
    expect((await checked).status).toBeLessThan(300);
    expect(call.deferred).toEqual([]);
  });
});
