import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

// What the counters of a rate tell the dashboard, over HTTP.

let gateway: Gateway;
let admin: Management;

beforeAll(async () => {
  gateway = await startGateway({ vars: { TRUSTED_IP_HEADER: 'X-Client' } });
  admin = await manage(gateway);
  await admin.publish({ name: 'report.counted', httpPath: '/counted', public: true });
  const { id } = await admin.must('GET', '/backend/operation/~report.counted');
  await admin.must('POST', '/backend/rate', {
    name: 'Counted',
    priority: 100,
    rateLimit: 3,
    timespan: 'PT1H',
    mode: 'exact',
    allocation: [{ operationId: id }],
  });
}, 120_000);
afterAll(() => gateway?.stop());

const report = (query = '') => admin.must('GET', `/backend/rate/~Counted/report${query}`);
const counts = { asked: 0, admitted: 0, refused: 0, returned: 0, forfeited: 0, writes: 0 };

it('tells what was admitted and refused: of anonymous callers together, of one address, of one user', async () => {
  expect(await report()).toEqual({ objects: 64, callers: 0, ...counts });
  const statuses: number[] = [];
  for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.1', '198.51.100.7']) {
    const answer = await request(gateway, 'GET', '/counted', undefined, { headers: { 'X-Client': address } });
    statuses.push(answer.status);
  }
  expect(statuses).toEqual([200, 200, 200, 429, 200]);
  expect((await admin.call('GET', '/counted')).status).toBe(200);
  expect(await report()).toMatchObject({ objects: 64, callers: 2, admitted: 4, refused: 1, forfeited: 0 });
  expect(await report('?ip=192.0.2.1')).toMatchObject({ objects: 1, callers: 1, asked: 4, admitted: 3, refused: 1 });
  expect(await report('?userId=1')).toMatchObject({ objects: 1, callers: 1, admitted: 1, refused: 0 });
  expect(await report('?userId=2')).toEqual({ objects: 1, callers: 0, ...counts });
  expect(await report('?appId=2')).toMatchObject({ objects: 1, callers: 0 });
});

it('is for who may see rates, and answers 404 and 400', async () => {
  expect((await request(gateway, 'GET', '/backend/rate/~Counted/report')).status).toBe(401);
  expect((await admin.call('GET', '/backend/rate/~Nothing/report')).status).toBe(404);
  expect((await admin.call('GET', '/backend/rate/~Counted/report?ip=nowhere')).status).toBe(400);
  expect((await admin.call('GET', '/backend/rate/~Counted/report?userId=x')).status).toBe(400);
});
