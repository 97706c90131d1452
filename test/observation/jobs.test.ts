import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordRun } from '../../worker/resources/job-run.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';

let gateway: Gateway;
let token: string;
// A full hour, when the jobs of clean-up run, and the one when the backup runs as well: yesterday at five and at three.
const hour = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 19 * 3_600_000;
const night = hour - 2 * 3_600_000;

beforeAll(async () => {
  gateway = await startGateway({ faults: true });
  const { name, password } = await gateway.setup();
  const response = await gateway.fetch('/consumer/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: name, password }),
  });
  token = ((await response.json()) as { token: string }).token;
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
});

async function send(method: string, path: string, body?: unknown) {
  const response = await gateway.fetch(path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as any;
}

const oldUpload = () =>
  gateway.DB.prepare("INSERT INTO upload (id, part, body, created) VALUES (?, 0, '', '2020-01-01T00:00:00.000Z')")
    .bind(crypto.randomUUID())
    .run();

it('each run of clean-up leaves a row: what it removed, how long it took', async () => {
  await oldUpload();
  await gateway.cron(hour);
  const { entry, totalResults } = await send('GET', '/backend/job');
  expect(entry.map(({ name, rows, more }: any) => [name, rows, more]).sort()).toEqual([
    ['letters', 0, false],
    ['retention', 0, false],
    ['runs', 0, false],
    ['tokens', 0, false],
    ['uploads', 1, false],
  ]);
  expect(totalResults).toBe(5);
  expect(entry[0]).toMatchObject({ duration: expect.any(Number), date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) });
  await gateway.cron(hour + 60_000);
  expect((await send('GET', '/backend/job')).totalResults).toBe(5);
});

it('a run that failed says why, and the others run all the same', async () => {
  await gateway.faults.set({ binding: 'LOGS', mode: 'throw' });
  await gateway.cron(hour);
  await gateway.faults.set();
  const { entry } = await send('GET', '/backend/job?failed=true');
  expect(entry.map(({ name }: any) => name)).toEqual(['retention']);
  expect(entry[0].error).not.toBe('');
  expect((await send('GET', '/backend/job?name=tokens')).totalResults).toBe(2);
});

it('a clean-up by hand is listed with who started it; counting is not', async () => {
  await oldUpload();
  await send('POST', '/backend/clean', { dryRun: true });
  expect((await send('GET', '/backend/job?name=clean')).totalResults).toBe(0);
  await send('POST', '/backend/clean', {});
  const { entry } = await send('GET', '/backend/job?name=clean');
  expect(entry).toEqual([expect.objectContaining({ name: 'clean', rows: 1, userId: 1 })]);
});

it('once a day the configuration is backed up where the database is not, if it changed', async () => {
  await gateway.cron(night);
  await gateway.cron(night);
  const { entry } = await send('GET', '/backend/backup');
  expect(entry).toHaveLength(1);
  const now = await send('POST', '/backend/backup/export', {});
  const kept = await send('POST', '/backend/backup/export', { kept: entry[0].name });
  expect(kept).toEqual(now);
  expect(entry[0].bytes).toBe(new TextEncoder().encode(kept.export).length);
  for (let old = 10; old < 40; old++) {
    await gateway.CONTENT.put(`backup//2020-01-01T00:00:00.0${old}Z`, 'old', { metadata: { hash: 'old', bytes: 3 } });
  }
  await send('PUT', '/backend/config/~info_title', { value: 'Changed' });
  await gateway.cron(night);
  const names = (await send('GET', '/backend/backup')).entry.map(({ name }: any) => name);
  expect(names).toHaveLength(30);
  expect(names.at(-1)).toBe('2020-01-01T00:00:00.012Z');
  expect((await send('GET', '/backend/job?name=backup')).entry.map(({ rows }: any) => rows)).toEqual([2, 0, 0]);
});

it('the last 200 runs of a job are kept, whatever others do', async () => {
  await gateway.DB.prepare(
    `INSERT INTO job_run (name, date, duration)
     WITH RECURSIVE run (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM run WHERE number < 200)
     SELECT 'busy', '2020-01-01T00:00:00.' || printf('%03d', number) || 'Z', 0 FROM run`,
  ).run();
  for (let run = 0; run < 3; run++) {
    await recordRun(gateway.DB, { tenant: '', name: 'busy', userId: null, began: hour + run, ended: hour + run });
  }
  const found = await gateway.DB.prepare(
    "SELECT count(*) AS count, min(date) AS first FROM job_run WHERE name = 'busy'",
  ).first();
  expect(found).toEqual({ count: 200, first: '2020-01-01T00:00:00.004Z' });
  expect((await send('GET', '/backend/job?name=uploads')).totalResults).toBe(5);
});
