import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { httpRaw } from '../../worker/actions/http-raw.ts';
import { anonymous } from '../../worker/core/call.ts';
import { breakers } from '../../worker/lib/breaker.ts';
import {
  failureOf,
  type InputShape,
  makeContext,
  makeInput,
  type Recorded,
  startUpstream,
  type Upstream,
} from './harness.ts';

let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());
beforeEach(() => breakers.reset());

const run = (config: object, shape: InputShape = {}, context = makeContext()) =>
  httpRaw.run(makeInput(shape), { method: 'POST', url: `${upstream.url}/x`, ...config }, context);

async function sent(config: object, shape: InputShape = {}, context = makeContext()): Promise<Recorded> {
  return (await run(config, shape, context)).json() as Promise<Recorded>;
}

const text = { 'Content-Type': 'text/plain' };

describe('HTTP-Raw', () => {
  it('sends what is configured and nothing of the caller’s headers', async () => {
    const request = await sent(
      { method: 'PUT', url: `${upstream.url}/x/:id`, query: 'a=1', headers: { 'X-Key': 'k' }, body: '{}' },
      { params: { id: '7/8' }, url: '/?b=2&a=3', headers: { 'x-custom': 'c', 'x-key': 'theirs' } },
    );
    expect(request).toMatchObject({ method: 'PUT', url: '/x/7%2F8?b=2&a=1', body: '{}' });
    expect(request.headers).toMatchObject({
      'x-key': 'k',
      'x-fusio-operation-id': '7',
      'content-type': 'application/json',
    });
    expect(request.headers).not.toHaveProperty('x-custom');
  });

  it('sends GET without a body, also when it has a template', async () => {
    expect(await sent({ method: 'GET', body: 'x' })).toMatchObject({ method: 'GET', body: '' });
    expect(await sent({ method: undefined })).toMatchObject({ method: 'GET', body: '' });
  });

  it('makes the body from payload, arguments, path parameters, query and caller', async () => {
    const body =
      '{{ payload.items[1].name }}|{{ arguments.id }}|{{ uriFragments.id }}|{{ query.q }}|{{ context.user.name }}|{{ context.action }}|{% for item in payload.items %}{{ item.name }},{% endfor %}';
    const request = await sent(
      { headers: text, body },
      { payload: { items: [{ name: 'a' }, { name: 'b' }] }, params: { id: '5' }, url: '/?q=find&id=1' },
      makeContext({ caller: { ...anonymous, userId: 1, userName: 'rita' } }),
    );
    expect(request.body).toBe('b|5|5|find|rita|Test-Action|a,b,');
  });

  it('reads a body that no schema needed', async () => {
    const stream = () => new Response('{"name":"pea"}').body!;
    expect((await sent({ body: '{"n":"{{ payload.name }}"}' }, { method: 'POST', body: stream() })).body).toBe(
      '{"n":"pea"}',
    );
    const broken = { method: 'POST', body: new Response('{').body! };
    expect((await failureOf(run({ body: '{{ payload.name }}' }, broken))).code).toBe('invalid_body');
  });

  const hostile = '","admin":true,"x":"\\\n<b>&{{ 7 }}';

  it('keeps a value inside its quotes when the body is JSON', async () => {
    const request = await sent(
      {
        body: '{"name":"{{ payload.name }}","whole":{{ payload | json }},"n":{{ payload.n }},"no":{{ payload.absent }}}',
      },
      { payload: { name: hostile, n: 5 } },
    );
    expect(JSON.parse(request.body)).toEqual({ name: hostile, whole: { name: hostile, n: 5 }, n: 5, no: null });
  });

  it('keeps a value inside its element and its field in XML and forms', async () => {
    const xml = await sent(
      {
        headers: { 'content-type': 'application/soap+xml; charset=utf-8' },
        body: '<a b="{{ payload }}">{{ payload }}</a>',
      },
      { payload: '"<x>&\'' },
    );
    expect(xml.body).toBe('<a b="&#34;&#60;x&#62;&#38;&#39;">&#34;&#60;x&#62;&#38;&#39;</a>');
    const form = await sent(
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a={{ payload }}&b=1' },
      { payload: 'x&b=2=%' },
    );
    expect(Object.fromEntries(new URLSearchParams(form.body))).toEqual({ a: 'x&b=2=%', b: '1' });
  });

  it('writes a value as it is for other types, or on demand', async () => {
    expect((await sent({ headers: text, body: '{{ payload }}' }, { payload: hostile })).body).toBe(hostile);
    expect((await sent({ body: '{{ payload | raw }}' }, { payload: '"' })).body).toBe('"');
  });

  it('reaches no prototype, function, file or secret', async () => {
    const body =
      '[{{ payload.constructor.name }}{{ payload.__proto__ }}{{ context.egress }}{{ context.connection }}{{ arguments.toString }}]';
    expect((await sent({ headers: text, body }, { payload: {} })).body).toBe('[]');
    for (const tag of ['{% include "/etc/hostname" %}', "{% render '../package.json' %}", '{% layout "x" %}']) {
      expect((await failureOf(run({ headers: text, body: tag }))).code).toBe('invalid_request');
    }
  });

  it.each([
    '{{ payload',
    '{% for %}',
    '{% unknown %}',
    '{{ payload | unknown }}',
  ])('refuses the template %s', async (body) => {
    expect((await failureOf(run({ body }, { payload: 'x' }))).status).toBeGreaterThanOrEqual(400);
    expect((await failureOf(run({ body }, { payload: 'x' }))).code).toMatch(/^(not_configured|invalid_request)$/);
  });

  it.each([
    '{% for i in (1..100000000) %}x{% endfor %}',
    '{% for i in (1..300) %}{% for j in (1..300) %}{% endfor %}{% endfor %}',
    '{% assign a = "xxxxxxxxxxxxxxxx" %}{% for i in (1..40) %}{% assign a = a | append: a %}{% endfor %}{{ a }}',
    '{{ "x" | pad: 1 }}{% for i in (1..1000) %}{{ payload }}{% endfor %}',
  ])('gives up a template that takes too much: %s', async (body) => {
    const failure = await failureOf(run({ headers: text, body }, { payload: 'x'.repeat(10_000) }));
    expect(failure.code).toMatch(/^(not_configured|invalid_request)$/);
  });

  it('refuses headers that HTTP does not allow', async () => {
    expect((await failureOf(run({ headers: { 'X-A': 'a\r\nX-B: c' } }))).code).toBe('not_configured');
  });
});
