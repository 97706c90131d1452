import type { D1Database } from '@cloudflare/workers-types';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Observation } from '../../worker/core/observation.ts';
import type { Env } from '../../worker/env.ts';
import { createLogBuffer, defaultLimits, type LogBuffer } from '../../worker/gateway/log-buffer.ts';
import { createObserver, type ObserverOptions } from '../../worker/gateway/observe.ts';
import { wrapEnv } from '../faults/worker/bindings.ts';
import { faultState, setFaults } from '../faults/worker/plan.ts';
import { aCall, aFault, type CallFacts, noon } from './facts.ts';
import { emptyLogs, openLogs, rowsOf } from './logs-database.ts';

let LOGS: D1Database;
let close: () => Promise<void>;

beforeAll(async () => {
  ({ LOGS, close } = await openLogs());
});
afterAll(() => close());
beforeEach(async () => {
  setFaults([]);
  await emptyLogs(LOGS);
});

/** An isolate: requests of it share the buffer, each with its own deferred work. */
function anIsolate(over: Partial<ObserverOptions> = {}) {
  const points: AnalyticsEngineDataPoint[] = [];
  const lines: string[] = [];
  const deferred: Promise<unknown>[] = [];
  const buffer: LogBuffer = createLogBuffer();
  const clock = { now: noon };
  const USAGE = { writeDataPoint: (point?: AnalyticsEngineDataPoint) => void points.push(point!) };
  const env = wrapEnv({ LOGS, USAGE } as unknown as Pick<Env, 'LOGS' | 'USAGE'>, 'worker');
  const request = () =>
    createObserver({
      env,
      now: () => clock.now,
      defer: (work) => void deferred.push(work),
      buffer,
      times: { gather: 5, write: 2000, retry: 1 },
      print: (line) => void lines.push(line),
      ...over,
    });
  return {
    points,
    lines,
    deferred,
    buffer,
    clock,
    env,
    observe: (...facts: Observation[]) => {
      for (const fact of facts) {
        request().observe(fact);
      }
    },
    settle: async () => {
      while (deferred.length > 0) {
        await deferred.shift();
      }
    },
  };
}

const counted = async (table: string) => (await rowsOf(LOGS, `SELECT sum(count) AS count FROM ${table}`))[0]!.count;
const many = (count: number, over: CallFacts = {}) =>
  Array.from({ length: count }, (_, index) => aCall({ requestId: `r${index}`, ...over }));

describe('what is kept', () => {
  test('one flush for all calls of the isolate: rows, roll-ups by hour and day, a point each', async () => {
    const isolate = anIsolate();
    isolate.observe(
      aCall({
        requestId: 'a',
        path: '/todo',
        query: 'page=2',
        headers: { accept: '*/*', 'x-foo-bar': '1' },
        body: '{"a":1}',
      }),
      aCall({ duration: 700, status: 404, appId: null, userId: null }),
      aCall({ duration: 20_000, at: noon + 3_600_000, log: false, points: 4 }),
      aCall({ tenant: 'acme', operationId: null, operationName: null, status: 404, errorCode: 'unknown_location' }),
    );
    expect(isolate.deferred).toHaveLength(1);
    await isolate.settle();

    const rows = await rowsOf(LOGS, 'SELECT * FROM log ORDER BY id');
    expect(rows).toHaveLength(3);
    expect(rows[0]).toEqual({
      id: rows[0]!.id,
      tenant_id: '',
      category_id: 1,
      operation_id: 11,
      operation_name: 'todo.getAll',
      app_id: 2,
      user_id: 5,
      request_id: 'a',
      ip: '192.0.2.1',
      user_agent: 'curl/8',
      method: 'GET',
      path: '/todo?page=2',
      header: 'Accept: */*\nX-Foo-Bar: 1',
      body: '{"a":1}',
      response_code: 200,
      error_code: null,
      explain: null,
      execution_time: 12,
      upstream_time: 7,
      revision: 3,
      points: 0,
      date: '2026-11-21T12:34:56.789Z',
    });
    expect(rows[2]).toMatchObject({ tenant_id: 'acme', operation_id: null, error_code: 'unknown_location' });

    const hours = await rowsOf(LOGS, 'SELECT * FROM rollup_hour ORDER BY tenant_id, date, status_class');
    expect(
      hours.map(({ tenant_id, date, operation_id, app_id, user_id, status_class, count }) => [
        tenant_id,
        date,
        operation_id,
        app_id,
        user_id,
        status_class,
        count,
      ]),
    ).toEqual([
      ['', '2026-11-21T12:00:00Z', 11, 2, 5, 2, 1],
      ['', '2026-11-21T12:00:00Z', 11, 0, 0, 4, 1],
      ['', '2026-11-21T13:00:00Z', 11, 2, 5, 2, 1],
      ['acme', '2026-11-21T12:00:00Z', 0, 2, 5, 4, 1],
    ]);
    const [day] = await rowsOf(LOGS, `SELECT * FROM rollup_day WHERE tenant_id = '' AND status_class = 2`);
    expect(day).toMatchObject({
      date: '2026-11-21T00:00:00Z',
      count: 2,
      duration: 20_012,
      upstream: 14,
      duration_max: 20_000,
      points: 4,
      ms_25: 1,
      ms_10000: 0,
    });

    expect(isolate.points).toHaveLength(4);
    expect(isolate.points[0]).toEqual({
      indexes: [':11'],
      blobs: ['call', '', 'todo.getAll', 'GET', '200', '', ''],
      doubles: [1, 12, 7, 200, 0, 11, 2, 5, 0, 1, 3],
    });
    expect(isolate.lines).toEqual([]);
  });

  test('the next flush adds to the same buckets', async () => {
    const isolate = anIsolate();
    for (let flush = 0; flush < 3; flush++) {
      isolate.observe(...many(5, { log: false, duration: 10 + flush }));
      await isolate.settle();
    }
    const [hour, ...more] = await rowsOf(LOGS, 'SELECT count, duration, duration_max, ms_10, ms_25 FROM rollup_hour');
    expect([hour, more]).toEqual([{ count: 15, duration: 165, duration_max: 12, ms_10: 5, ms_25: 10 }, []]);
    expect(await counted('rollup_day')).toBe(15);
  });

  test('errors find the row of their call, faults stand alone or with the call they belong to', async () => {
    const isolate = anIsolate();
    isolate.observe(
      aCall({ requestId: 'fine' }),
      aFault({
        requestId: 'bad',
        place: 'action.HttpProcessor',
        message: 'socket hang up',
        trace: 'Error: x\n    at send (file:///dist/index.js:120:7)',
      }),
      aCall({ requestId: 'bad', status: 502, errorCode: 'bad_gateway', errorMessage: 'no valid answer' }),
      aCall({
        requestId: 'typo',
        status: 400,
        errorCode: 'invalid_body',
        errorMessage: 'not valid',
        trace: '/body/title type: must be a string',
      }),
      aCall({ requestId: 'who', status: 401, errorCode: 'missing_token', errorMessage: 'no token' }),
      aFault(),
      aFault({ at: noon + 5 }),
    );
    await isolate.settle();
    const errors = await rowsOf(
      LOGS,
      'SELECT e.message, e.file, e.line, e.count, l.request_id FROM log_error e LEFT JOIN log l ON l.id = e.log_id ORDER BY e.id',
    );
    expect(errors).toEqual([
      { message: 'action.HttpProcessor: socket hang up', file: 'index.js', line: 120, count: 1, request_id: 'bad' },
      { message: 'no valid answer', file: 'todo.getAll', line: 0, count: 1, request_id: 'bad' },
      { message: 'not valid', file: 'todo.getAll', line: 0, count: 1, request_id: 'typo' },
      {
        message: 'snapshot.check: Network connection lost.',
        file: 'snapshot.check',
        line: 0,
        count: 2,
        request_id: null,
      },
    ]);
    expect(isolate.lines).toHaveLength(3);
  });

  test('internal errors and faults are one console line each, without secrets and without control characters', async () => {
    const isolate = anIsolate();
    isolate.observe(
      aFault({
        place: 'x\u001b[31m',
        message: 'line\r\nfeed, Authorization: Bearer canary-secret\u2028',
        trace: 'Error\n at a?token=canary-secret',
      }),
      aCall({ status: 500, errorCode: 'internal', errorMessage: 'boom', trace: 'Error: boom' }),
    );
    await isolate.settle();
    expect(isolate.lines).toHaveLength(2);
    for (const line of isolate.lines) {
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028]|canary/);
    }
    expect(JSON.parse(isolate.lines[0]!)).toMatchObject({ level: 'error', place: 'x\u001b[31m' });
    expect(JSON.parse(isolate.lines[1]!)).toMatchObject({
      place: 'todo.getAll',
      message: 'boom',
      trace: 'Error: boom',
    });
    expect(JSON.stringify(await rowsOf(LOGS, 'SELECT * FROM log_error'))).not.toContain('canary');
  });

  test('a thousand large rows go in few statements, none larger than D1 takes', async () => {
    const isolate = anIsolate();
    isolate.observe(...many(450, { body: '密'.repeat(2000) }), aFault());
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(450);
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows, min(length(body)) AS least FROM log')).toEqual([
      { rows: 450, least: 2000 },
    ]);
    const batches = faultState().calls.filter(({ method }) => method === 'batch');
    expect(batches.map(({ subject }) => subject.split(';\n').length)).toEqual([6]);
    expect(isolate.lines).toHaveLength(1);
  });

  test('logins and publishes are points alone', async () => {
    const isolate = anIsolate();
    isolate.observe(
      {
        kind: 'login',
        tenant: 't'.repeat(90),
        at: noon,
        grant: 'password',
        userId: null,
        appId: null,
        ip: '192.0.2.1',
        outcome: 'refused',
      },
      { kind: 'publish', tenant: '', at: noon, revision: 9, changes: 3, duration: 40 },
      aCall({ operationName: '操'.repeat(600), tenant: '租'.repeat(64) }),
    );
    expect(isolate.points.map(({ blobs }) => blobs?.[0])).toEqual(['login', 'publish', 'call']);
    expect(isolate.buffer.drops.points).toBe(0);
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(1);
  });
});

describe('when the flush happens', () => {
  test('a full buffer does not wait', async () => {
    const isolate = anIsolate({ times: { gather: 60_000 } });
    isolate.observe(...many(500));
    expect(isolate.deferred).toHaveLength(2);
    await isolate.deferred[1];
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log')).toEqual([{ rows: 500 }]);
  });

  test('roll-ups do, for more calls to share them', async () => {
    const isolate = anIsolate({ times: { gather: 500 } });
    isolate.observe(...many(250));
    await isolate.deferred[1];
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log')).toEqual([{ rows: 250 }]);
    expect(await counted('rollup_hour')).toBeNull();
    isolate.observe(...many(30));
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(280);
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log')).toEqual([{ rows: 280 }]);
  });

  test('when the platform ended the context of a flush, a later request takes over', async () => {
    const isolate = anIsolate({ times: { gather: 60_000 } });
    isolate.observe(aCall());
    expect(isolate.deferred).toHaveLength(1);
    isolate.clock.now += 64_000;
    isolate.observe(aCall());
    expect(isolate.deferred).toHaveLength(1);
    isolate.clock.now += 2000;
    isolate.observe(aCall());
    expect(isolate.deferred).toHaveLength(2);
  });

  test('a write whose context was ended half-way is written by the next flush, once', async () => {
    const isolate = anIsolate({ times: { gather: 5, write: 60_000, retry: 1 } });
    setFaults([{ binding: 'LOGS', method: 'batch', mode: 'lose', nth: 1 }]);
    isolate.observe(aCall());
    const cancelled = new Promise(() => undefined);
    const write = isolate.env.LOGS.batch.bind(isolate.env.LOGS);
    isolate.env.LOGS.batch = ((statements: never[]) =>
      write(statements).then(
        () => cancelled,
        () => cancelled,
      )) as never;
    await new Promise((resolve) => setTimeout(resolve, 300));
    isolate.env.LOGS.batch = write as never;
    isolate.deferred.length = 0;
    expect(isolate.buffer.writes).toHaveLength(1);
    expect(await counted('rollup_hour')).toBe(1);
    isolate.clock.now += 200_000;
    isolate.observe(aCall());
    await isolate.settle();
    expect(isolate.buffer.writes).toEqual([]);
    expect(await counted('rollup_hour')).toBe(2);
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log')).toEqual([{ rows: 2 }]);
  });
});

describe('when LOGS fails', () => {
  test.each([
    'throw',
    'lose',
    'twice',
  ] as const)('once (%s): the second attempt leaves every call counted once', async (mode) => {
    const isolate = anIsolate();
    setFaults([{ binding: 'LOGS', method: 'batch', mode, nth: 1, message: 'd1.lost' }]);
    isolate.observe(...many(7), aFault());
    await isolate.settle();
    expect(faultState().happened).toEqual([1]);
    expect(await counted('rollup_hour')).toBe(7);
    expect(await counted('rollup_day')).toBe(7);
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log')).toEqual([{ rows: 7 }]);
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log_error')).toEqual([{ rows: 1 }]);
    expect(isolate.buffer.drops).toEqual({ rows: 0, calls: 0, points: 0, lines: 0 });
    expect(isolate.buffer.writes).toEqual([]);
  });

  test('twice: the rows are dropped and counted, the statistics wait until it is back', async () => {
    const isolate = anIsolate();
    setFaults([{ binding: 'LOGS', method: 'batch', mode: 'throw', times: 4 }]);
    isolate.observe(...many(3));
    await isolate.settle();
    isolate.observe(...many(4));
    await isolate.settle();
    expect(await counted('rollup_hour')).toBeNull();
    // 3 and 4 rows, and the first report of a drop.
    expect(isolate.buffer.drops).toMatchObject({ rows: 8, calls: 0 });
    isolate.observe(...many(5));
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(12);
    expect(await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log')).toEqual([{ rows: 5 }]);
    expect((await rowsOf(LOGS, 'SELECT message FROM log_error')).map(({ message }) => message)).toEqual([
      'observe.dropped: dropped 5 log rows, 0 calls of the statistics, 0 data points, 0 console lines',
    ]);
    expect(isolate.lines.some((line) => line.includes('"observe.logs"'))).toBe(true);
  });

  test('twice, and only the replies were lost: nothing is counted twice afterwards', async () => {
    const isolate = anIsolate();
    setFaults([
      { binding: 'LOGS', method: 'batch', mode: 'lose', nth: 1 },
      { binding: 'LOGS', method: 'batch', mode: 'throw', nth: 2 },
    ]);
    isolate.observe(...many(3));
    await isolate.settle();
    isolate.observe(...many(2));
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(5);
    expect(isolate.buffer.writes).toEqual([]);
  });

  test('hanging: the flush gives up in time, and the late write changes nothing', async () => {
    const isolate = anIsolate({ times: { gather: 1, write: 500, retry: 1 } });
    setFaults([{ binding: 'LOGS', method: 'batch', mode: 'delay', nth: 1, delay: 1200 }]);
    isolate.observe(...many(3));
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(3);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(await counted('rollup_hour')).toBe(3);
    expect(isolate.lines.join()).toContain('LOGS did not answer: the call exceeded timeout of 500 ms');
  });

  test('for long: what is held is bounded, and what is lost is counted exactly', async () => {
    const limits = { ...defaultLimits, heldRollups: 3 };
    const isolate = anIsolate({ limits });
    setFaults([{ binding: 'LOGS', method: 'batch', mode: 'throw' }]);
    for (let flush = 0; flush < 6; flush++) {
      isolate.observe(...many(2, { log: false, operationId: flush + 1 }));
      await isolate.settle();
    }
    expect(isolate.buffer.drops.calls).toBe(6);
    setFaults([]);
    isolate.observe(aCall({ log: false }));
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(6 + 1);
  });

  test('a failing data set drops points, counted, and nothing else', async () => {
    const isolate = anIsolate();
    setFaults([{ binding: 'USAGE', mode: 'throw' }]);
    isolate.observe(...many(3));
    await isolate.settle();
    expect(isolate.buffer.drops.points).toBe(3);
    expect(await counted('rollup_hour')).toBe(3);
  });
});

describe('bounds', () => {
  test.each([
    ['rows', { ...defaultLimits, rows: 10 }, 10],
    ['size', { ...defaultLimits, size: 3000 }, 20],
  ])('too many %s: dropped and counted, while the statistics count every call', async (_bound, limits, most) => {
    const isolate = anIsolate({ limits });
    isolate.observe(...many(25));
    await isolate.settle();
    const [{ rows }] = (await rowsOf(LOGS, 'SELECT count(*) AS rows FROM log')) as [{ rows: number }];
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThanOrEqual(most);
    expect(isolate.buffer.drops.rows).toBe(25 - rows);
    expect(await counted('rollup_hour')).toBe(25);
  });

  test('too many buckets fold: no call is lost, only whose it was', async () => {
    const isolate = anIsolate({ limits: { ...defaultLimits, rollups: 10 } });
    isolate.observe(
      ...Array.from({ length: 100 }, (_, id) => aCall({ operationId: id + 1, userId: id + 1, log: false })),
    );
    await isolate.settle();
    expect(await counted('rollup_hour')).toBe(100);
    expect((await rowsOf(LOGS, 'SELECT count(*) AS rows FROM rollup_hour'))[0]!.rows).toBe(21);
  });

  test('a flood of faults is one row and few lines', async () => {
    const isolate = anIsolate();
    isolate.observe(...Array.from({ length: 500 }, () => aFault()));
    await isolate.settle();
    expect(await rowsOf(LOGS, 'SELECT count FROM log_error')).toEqual([{ count: 500 }]);
    expect(isolate.lines.length).toBeLessThanOrEqual(21);
    expect(isolate.buffer.drops.lines).toBe(480);
    expect(isolate.lines.at(-1)).toContain('480 console lines');
  });

  test('an observation that cannot be kept never reaches the call', () => {
    const isolate = anIsolate();
    expect(() => isolate.observe(aCall({ at: Number.NaN }))).not.toThrow();
    expect(isolate.buffer.drops.rows).toBe(1);
  });
});
