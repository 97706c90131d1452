import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { rowsOf } from './logs-database.ts';

let gateway: Gateway;
let token: string;

beforeAll(async () => {
  gateway = await startGateway({ faults: true });
  const { name, password } = await gateway.setup();
  const response = await gateway.fetch('/consumer/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: name, password }),
  });
  ({ token } = (await response.json()) as { token: string });
});
afterAll(() => gateway.stop());

const get = (path: string, headers: Record<string, string> = {}) =>
  gateway.fetch(path, { headers: { authorization: `Bearer ${token}`, ...headers } });

/** Asks until the flush, a second after the first entry, has come. */
async function eventually<T>(ask: () => Promise<T>, done: (answer: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 60; attempt++) {
    const answer = await ask();
    if (done(answer)) {
      return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('the log did not come');
}

const logged = async (query: string): Promise<any> => (await get(`/backend/log?${query}`)).json();

test('a call is found in the log by its request id, redacted, with what it failed by', async () => {
  const missing = await get('/nowhere/at/all?api_key=canary-7f3a&page=2', {
    'user-agent': 'tester/1',
    'x-api-key': 'canary-7f3a',
    cookie: 'a=canary-7f3a',
  });
  expect(missing.status).toBe(404);
  const requestId = missing.headers.get('x-request-id')!;
  const { entry } = await eventually(
    () => logged(`requestId=${requestId}`),
    ({ totalResults }) => totalResults > 0,
  );
  expect(entry).toMatchObject([
    {
      requestId,
      method: 'GET',
      path: '/nowhere/at/all?api_key=***&page=2',
      responseCode: 404,
      errorCode: 'unknown_location',
      userAgent: 'tester/1',
    },
  ]);
  const one = (await (await get(`/backend/log/${entry[0].id}`)).json()) as { header: string };
  expect(one.header).toContain('X-Api-Key: ***');
  expect(one.header).toContain('Authorization: ***');
  expect(one.header).toContain('User-Agent: tester/1');
  const all = JSON.stringify([
    await rowsOf(gateway.LOGS, 'SELECT * FROM log'),
    await rowsOf(gateway.LOGS, 'SELECT * FROM log_error'),
  ]);
  for (const secret of ['canary-7f3a', token, 'correct horse battery']) {
    expect(all).not.toContain(secret);
  }
});

test('following the log gives each call once', async () => {
  const path = `/follow-${Date.now()}`;
  const seen: string[] = [];
  let after = 0;
  for (let call = 0; call < 5; call++) {
    await get(`${path}/${call}`);
    const page = await logged(`path=${path}&after=${after}`);
    seen.push(...page.entry.map((entry: { path: string }) => entry.path));
    after = page.entry.at(-1)?.id ?? after;
  }
  await eventually(
    async () => {
      const page = await logged(`path=${path}&after=${after}`);
      seen.push(...page.entry.map((entry: { path: string }) => entry.path));
      after = page.entry.at(-1)?.id ?? after;
      return seen.length;
    },
    (count) => count >= 5,
  );
  expect(seen).toEqual([0, 1, 2, 3, 4].map((call) => `${path}/${call}`));
});

test.each([
  'count=1025',
  'count=abc',
  'from=soon',
  'responseCode=6xx',
  'operationId=x',
])('%s is refused by name', async (query) => {
  const response = await get(`/backend/log?${query}`);
  expect(response.status).toBe(400);
  expect(JSON.stringify(await response.json())).toContain(query.split('=')[0]);
});

test('roll-ups count every call, also while LOGS loses replies', async () => {
  const operation = `SELECT coalesce(sum(count), 0) AS count FROM rollup_hour WHERE category_id = 4`;
  const [{ count: before }] = (await rowsOf(gateway.LOGS, operation)) as [{ count: number }];
  await gateway.faults.set({ binding: 'LOGS', method: 'batch', subject: 'INSERT INTO flush', mode: 'lose', nth: 1 });
  for (let call = 0; call < 20; call++) {
    expect((await gateway.fetch('/system/about')).status).toBe(200);
  }
  const rows = await eventually(
    () => rowsOf(gateway.LOGS, operation),
    ([row]) => row!.count >= before + 20,
  );
  expect(rows).toEqual([{ count: before + 20 }]);
  expect((await gateway.faults.state()).happened).toEqual([1]);
  await gateway.faults.set();
});

test('a call does not wait for a LOGS that hangs, and health tells what was dropped', async () => {
  await gateway.faults.set({ binding: 'LOGS', method: 'batch', mode: 'hang', delay: 20_000 });
  const answered = Promise.all(Array.from({ length: 5 }, () => gateway.fetch('/system/about')));
  const first = await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 15_000, 'waited'))]);
  expect(first).not.toBe('waited');
  await gateway.faults.set();
  const health = (await (await gateway.fetch('/system/health')).json()) as any;
  expect(health.checks.logs.dropped).toEqual({ rows: 0, calls: 0, points: 0, lines: 0 });
});
