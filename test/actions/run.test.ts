import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type QueuedRun, thawInput } from '../../worker/actions/queued-run.ts';
import { type RunContext, runAction } from '../../worker/actions/run.ts';
import { anonymous } from '../../worker/core/call.ts';
import { ApiError } from '../../worker/core/errors.ts';
import type { ActionRecord, ConnectionRecord } from '../../worker/core/records.ts';
import type { Env } from '../../worker/env.ts';
import { breakers } from '../../worker/lib/breaker.ts';
import { seal } from '../../worker/lib/seal.ts';
import { failureOf, makeInput } from './harness.ts';

const action = (name: string, className: string, config: object, async = false): ActionRecord => ({
  id: 1,
  status: 1,
  name,
  class: className,
  async,
  config: config as Record<string, unknown>,
  metadata: null,
});

const staticResponse = 'Fusio.Adapter.Util.Action.UtilStaticResponse';
const processor = 'Fusio.Adapter.Http.Action.HttpProcessor';
const composition = 'Fusio.Adapter.Http.Action.HttpComposition';

interface World {
  run: RunContext;
  fetched: { url: string; headers: Headers }[];
  waiting: { action: string; retries: number; queued: QueuedRun }[];
}

function world(
  actions: ActionRecord[],
  connections: ConnectionRecord[] = [],
  answer = async () => new Response('up'),
): World {
  const fetched: World['fetched'] = [];
  const waiting: World['waiting'] = [];
  const run: RunContext = {
    snapshot: {
      action: async (reference) => actions.find(({ name }) => name === reference),
      connection: async (name) => connections.find((connection) => connection.name === name),
    },
    runtime: {
      env: {} as Env,
      now: () => Date.now(),
      defer: () => {},
      egress: {
        async fetch(url, init) {
          fetched.push({ url: String(url), headers: new Headers(init?.headers) });
          return answer();
        },
      },
    },
    openSecret: async () => {
      throw new Error('sealed');
    },
    dispatch: async () => ({ id: 'evt_1' }),
    tenant: '',
    requestId: 'r',
    operationId: null,
    baseUrl: 'http://127.0.0.1',
    caller: anonymous,
    ip: '',
    timeout: 1_000,
    async queue(action, retries, queued) {
      waiting.push({ action, retries, queued });
      return { id: 'run_0_1' };
    },
    waited() {},
    random: () => 0,
  };
  return { run, fetched, waiting };
}

beforeEach(() => breakers.reset());
afterEach(() => void vi.useRealTimers());

describe('running an action', () => {
  it('finds it by name, with and without its scheme, and by commit', async () => {
    const { run } = world([
      action('One', staticResponse, { response: '{ "a": 1 }' }),
      action('One@abc', staticResponse, { response: '2' }),
    ]);
    expect(await (await runAction('One', makeInput(), run)).text()).toBe('{"a":1}');
    expect(await (await runAction('action://One', makeInput(), run)).text()).toBe('{"a":1}');
    expect(await (await runAction('action://One@abc', makeInput(), run)).text()).toBe('2');
  });

  it('takes an url for a proxy to it', async () => {
    const { run, fetched } = world([]);
    await runAction('https://a.example/x?b=1', makeInput(), run);
    expect(fetched[0]!.url).toBe('https://a.example/x?b=1');
  });

  it('takes a class for an action without configuration', async () => {
    const { run } = world([]);
    expect((await failureOf(runAction(`php+class://${staticResponse}`, makeInput(), run))).code).toBe('not_configured');
    expect((await failureOf(runAction('php+class://Nope', makeInput(), run))).message).toContain('Nope');
  });

  it.each([
    'Gone',
    'action://Gone',
    'file://Gone',
    'action://',
  ])('answers 503 and names what is missing: %s', async (reference) => {
    const failure = await failureOf(runAction(reference, makeInput(), world([]).run));
    expect(failure).toMatchObject({ code: 'unavailable', status: 503 });
    expect(failure.message).toContain(reference.endsWith('Gone') ? '"Gone"' : '""');
  });

  it('answers 503 when the class is not here', async () => {
    const { run } = world([action('Sql', 'Fusio.Adapter.Sql.Action.SqlInsert', {})]);
    expect(await failureOf(runAction('Sql', makeInput(), run))).toMatchObject({ code: 'not_configured', status: 503 });
  });

  it('gives up what never answers', async () => {
    vi.useFakeTimers();
    const { run } = world(
      [action('Slow', composition, { url: ['http://a.example'] })],
      [],
      () => new Promise(() => {}),
    );
    const failure = failureOf(runAction('Slow', makeInput(), run));
    await vi.advanceTimersByTimeAsync(1_300);
    expect(await failure).toMatchObject({ code: 'upstream_timeout', status: 504 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves no timer behind', async () => {
    vi.useFakeTimers();
    const { run } = world([action('One', staticResponse, { response: '1' })]);
    await runAction('One', makeInput(), run);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('answers 202 for an async action and keeps its run, without the credentials', async () => {
    const later = action('Later', processor, { url: 'http://a.example' }, true);
    const { run, fetched, waiting } = world([{ ...later, metadata: { retries: 3 } }]);
    const input = makeInput({ method: 'POST', body: new Response('x').body! });
    input.http.headers.set('authorization', 'Bearer secret');
    const response = await runAction('Later', input, run);
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('http://127.0.0.1/system/run/run_0_1');
    expect(await response.json()).toMatchObject({ success: true, message: 'Request was queued for execution' });
    expect(fetched).toHaveLength(0);
    expect(waiting).toMatchObject([{ action: 'Later', retries: 3, queued: { reference: 'Later' } }]);
    expect(JSON.stringify(waiting)).not.toContain('secret');
    const thawed = thawInput(JSON.parse(JSON.stringify(waiting[0]!.queued)).input);
    expect(new TextDecoder().decode(thawed.http.bytes!)).toBe('x');
    const now = await runAction('Later', makeInput(), { ...run, queue: null });
    expect(now.status).toBe(200);
  });
});

describe('the connection of an action', () => {
  const key = [Buffer.alloc(32, 7).toString('base64')] as const;
  const connection = (config: object): ConnectionRecord => ({
    id: 3,
    status: 1,
    name: 'Http',
    class: 'Fusio.Adapter.Http.Connection.Http',
    config: config as Record<string, unknown>,
    metadata: null,
  });

  it('has its secrets opened once, at their place', async () => {
    const { open } = await import('../../worker/lib/seal.ts');
    const sealed = await seal('Bearer secret', 'connection/3/authorization', key);
    const { run, fetched } = world(
      [action('Proxy', processor, { connection: 'Http', url: '/x' })],
      [connection({ url: 'https://a.example', authorization: sealed })],
    );
    const openSecret = vi.fn<RunContext['openSecret']>((envelope, place) => open(envelope, place, key));
    await runAction('Proxy', makeInput(), { ...run, openSecret });
    await runAction('Proxy', makeInput(), { ...run, openSecret });
    expect(fetched.map(({ url, headers }) => [url, headers.get('authorization')])).toEqual([
      ['https://a.example/x', 'Bearer secret'],
      ['https://a.example/x', 'Bearer secret'],
    ]);
    expect(openSecret).toHaveBeenCalledTimes(1);
  });

  it('says which secret cannot be opened, and nothing of it', async () => {
    const sealed = await seal('Bearer secret', 'connection/4/authorization', key);
    const { run } = world(
      [action('Proxy', processor, { connection: 'Http', url: '/x' })],
      [connection({ url: 'https://a.example', authorization: sealed })],
    );
    const failure = await failureOf(runAction('Proxy', makeInput(), run));
    expect(failure.code).toBe('not_configured');
    expect(failure.message).toContain('"authorization"');
  });

  it('answers 503 when it is missing or of an unknown class', async () => {
    const proxy = action('Proxy', processor, { connection: 'Http', url: '/x' });
    expect((await failureOf(runAction('Proxy', makeInput(), world([proxy]).run))).code).toBe('not_configured');
    const redis = { ...connection({}), class: 'Fusio.Adapter.Redis.Connection.Redis' };
    const failure = await failureOf(runAction('Proxy', makeInput(), world([proxy], [redis]).run));
    expect(failure).toMatchObject({ code: 'not_configured', status: 503 });
    expect(failure).toBeInstanceOf(ApiError);
  });
});

describe('the small actions', () => {
  it('answer as configured', async () => {
    const { run } = world([
      action('Move', 'Fusio.Adapter.Util.Action.UtilRedirect', { location: 'https://a.example/ä?b=1' }),
      action('Broken', staticResponse, { response: '{' }),
      action('Split', 'Fusio.Adapter.Util.Action.UtilRedirect', { location: '/a\r\nSet-Cookie: b=1' }),
    ]);
    const moved = await runAction('Move', makeInput(), run);
    expect([moved.status, moved.headers.get('location'), await moved.text()]).toEqual([
      301,
      'https://a.example/%C3%A4?b=1',
      '',
    ]);
    expect((await failureOf(runAction('Broken', makeInput(), run))).code).toBe('not_configured');
    expect((await failureOf(runAction('Split', makeInput(), run))).code).toBe('not_configured');
  });
});
