import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Sweep, sweep } from '../faults/sweep.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Listener, startListener } from '../helpers/listener.ts';
import { type Management, manage } from '../helpers/management.ts';

let gateway: Gateway;
let listener: Listener;
let admin: Management;
let serial = 0;
const minute = 60_000;
/** No hour: the seeded cronjob stays out of it. */
let time = Math.floor(Date.now() / (60 * minute)) * 60 * minute + 61 * minute;

beforeAll(async () => {
  [gateway, listener] = await Promise.all([startGateway({ faults: true }), startListener()]);
  admin = await manage(gateway);
});
afterAll(() => Promise.all([gateway?.stop(), listener?.stop()]));
beforeEach(() => {
  listener.answer = () => ({ status: 200, body: 'well done' });
});

/** A cronjob whose action calls a path of its own on the listener. */
async function make(more: Record<string, unknown> = {}) {
  const name = `cron-${++serial}`;
  await admin.must('POST', '/backend/action', {
    name,
    class: 'Fusio.Adapter.Http.Action.HttpProcessor',
    config: { url: `${listener.url}/${name}` },
  });
  const body = { name, cron: '* * * * *', action: `action://${name}`, ...more };
  const id = Number((await admin.must('POST', '/backend/cronjob', body)).id);
  const runs = async (query = '') => (await admin.must('GET', `/backend/cronjob/${id}/run${query}`)).entry as any[];
  return {
    id,
    name,
    /** Of one whose runs do not overlap. */
    lane: `lane::cronjob:${id * 16}`,
    shown: () => admin.must('GET', `/backend/cronjob/${id}`),
    runs,
    ran: () => listener.received.filter(({ path }) => path === `/${name}`).length,
    settles: (...wanted: Record<string, unknown>[]) =>
      expect.poll(() => runs(), { timeout: 15_000 }).toMatchObject(wanted),
    remove: () => admin.must('DELETE', `/backend/cronjob/${id}`),
  };
}

const next = () => (time += minute);
const said = (at: number) => new Date(at).toISOString().replace('.000', '');

describe('a cronjob', () => {
  it('runs once in its minute, however often the trigger comes, and shows how it went', async () => {
    const job = await make();
    const at = next();
    await Promise.all([gateway.cron(at), gateway.cron(at + 20_000)]);
    await gateway.cron(at);
    await job.settles({ status: 'done', cause: 'schedule', attempt: 1, date: said(at), exitCode: 0 });
    expect(job.ran()).toBe(1);
    const shown = await job.shown();
    expect(shown).toMatchObject({ exitCode: 0, errors: [], timezone: 'UTC', missed: 'one', overlap: 'forbid' });
    expect(Date.parse(shown.executeDate)).toBeGreaterThan(Date.now() - 30_000);
    expect(shown.nextDates).toHaveLength(5);
    expect(Date.parse(shown.nextDates[1]) - Date.parse(shown.nextDates[0])).toBe(minute);
    expect((await job.runs())[0]).toMatchObject({ answer: 'well done', duration: expect.any(Number) });
    const { entry } = await admin.must('GET', '/backend/cronjob');
    expect(entry[0]).toMatchObject({ id: job.id, exitCode: 0, executeDate: shown.executeDate });
    await job.remove();
    await gateway.cron(next());
    expect(job.ran()).toBe(1);
  });

  it('makes up for missed times as it says', async () => {
    const [skip, one, all] = [
      await make({ missed: 'skip' }),
      await make(),
      await make({ missed: 'all', missedLimit: 3 }),
    ];
    const first = next();
    await gateway.cron(first);
    const done = { status: 'done', cause: 'schedule', date: said(first) };
    await Promise.all([skip, one, all].map((job) => job.settles(done)));
    time += 4 * minute;
    const last = next();
    await gateway.cron(last);
    const dated = (ago: number) => ({ date: said(last - ago * minute) });
    await skip.settles({ status: 'done', ...dated(0) }, { status: 'missed', ...dated(1) }, done);
    await one.settles({ status: 'done', ...dated(0) }, done);
    await all.settles(
      { status: 'done', cause: 'schedule', ...dated(0) },
      { status: 'done', cause: 'missed', ...dated(1) },
      { status: 'done', cause: 'missed', ...dated(2) },
      { status: 'missed', error: 'More than 3 were missed', ...dated(3) },
      done,
    );
    await Promise.all([skip, one, all].map((job) => job.remove()));
  });

  it('shows what failed, and why', async () => {
    listener.answer = () => ({ status: 500 });
    const job = await make({ cron: '0 0 1 1 *' });
    const { status, body } = await admin.call('POST', `/backend/cronjob/${job.id}/run`);
    expect([status, body]).toEqual([202, expect.objectContaining({ success: true, id: expect.any(String) })]);
    await job.settles({ status: 'failed', cause: 'manual', exitCode: 1, code: 500 });
    expect(await job.shown()).toMatchObject({
      exitCode: 1,
      errors: [
        {
          message: 'The action answered 500',
          trace: expect.stringContaining('Run '),
          file: `action://${job.name}`,
          line: 0,
        },
      ],
    });
    await job.remove();
  });

  it('is not run by hand beside itself where overlaps are forbidden, and ends when its time is over', async () => {
    listener.answer = () => ({ delay: Number.POSITIVE_INFINITY });
    const [job, other] = [
      await make({ cron: '@yearly', timeout: 1_500 }),
      await make({ cron: '@yearly', overlap: 'allow', timeout: 1_500 }),
    ];
    const run = (id: number) => admin.call('POST', `/backend/cronjob/${id}/run`);
    expect((await run(job.id)).status).toBe(202);
    expect(await run(job.id)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    expect([(await run(other.id)).status, (await run(other.id)).status]).toEqual([202, 202]);
    await job.settles({ status: 'failed', code: 504, exitCode: 1 });
    await Promise.all([job.remove(), other.remove()]);
  });

  it('that a crash cut off is lost, and made again where its policy says so', async () => {
    listener.answer = () => ({ delay: Number.POSITIVE_INFINITY });
    const [skip, one] = [await make({ cron: '0 0 1 1 *', missed: 'skip' }), await make({ missed: 'one' })];
    await admin.must('POST', `/backend/cronjob/${skip.id}/run`);
    await gateway.cron(next());
    await Promise.all([skip, one].map((job) => job.settles({ status: 'running' })));
    for (const { lane } of [skip, one]) {
      await gateway.abort('LANE', lane).catch(() => undefined);
      await gateway.alarm('LANE', lane);
    }
    listener.answer = () => ({});
    await Promise.all([skip, one].map((job) => job.settles({ status: 'lost', error: 'The run was interrupted' })));
    expect(await one.shown()).toMatchObject({ exitCode: 1, errors: [{ message: 'The run was interrupted' }] });
    await gateway.cron(time);
    await one.settles({ status: 'done', cause: 'lost', attempt: 2 }, { status: 'lost' });
    await skip.settles({ status: 'lost', attempt: 1 });
    await Promise.all([skip.remove(), one.remove()]);
  });

  it('of the platform runs, and says that there was nothing to do', async () => {
    const id = (await admin.must('GET', '/backend/cronjob/~Renew_Token')).id;
    await admin.must('POST', `/backend/cronjob/${id}/run`);
    await expect
      .poll(() => admin.must('GET', `/backend/cronjob/${id}`), { timeout: 10_000 })
      .toMatchObject({
        exitCode: 0,
      });
    const { entry } = await admin.must('GET', `/backend/cronjob/${id}/run`);
    expect(entry[0]).toMatchObject({ status: 'done', answer: expect.stringContaining('No connection holds a token') });
  });

  it.each([
    [{ cron: '* * * * * *' }, '* * * * * * is not a valid CRON expression'],
    [{ cron: '0 0 5/5 * *' }, '0 0 5/5 * * is not a valid CRON expression'],
    [{ cron: '? * * * *' }, '? * * * * is not a valid CRON expression'],
    [{ timezone: 'Europe/Atlantis' }, 'Time zone does not exist'],
    [{ overlap: 'sometimes' }, '/overlap'],
    [{ missedLimit: 0 }, '/missedLimit'],
  ])('is refused with %j', async (more, message) => {
    const body = { name: 'never', cron: '* * * * *', action: 'https://example.com', ...more };
    const answer = await admin.call('POST', '/backend/cronjob', body);
    expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining(message)]);
  });
});

/** Where it is decided and where it is run; a run of verify has time for the trigger's other work as well. */
async function sweepParts<Context>(options: Sweep<Context, void>) {
  const decided = await sweep({
    ...options,
    from: 'worker',
    binding: process.env.POSTERN_FULL === undefined ? 'DB' : '*',
  });
  return [...decided, ...(await sweep({ ...options, from: 'Lane' }))];
}

describe('whatever call fails', { timeout: 530_000 }, () => {
  it('a due run is made once, or made again after it was lost', async () => {
    let offset = 0;
    const job = await make({ missed: 'all' });
    await gateway.cron(next());
    await job.settles({ status: 'done' });
    const swept = await sweepParts({
      gateway,
      prepare: async () => ({ at: next(), before: job.ran() }),
      async run({ at }) {
        await gateway.cron(at).catch(() => undefined);
        const settled = () =>
          gateway.DB.prepare('SELECT count(*) AS count FROM cronjob_run WHERE minute = ? AND settled = 1')
            .bind(at)
            .first('count');
        const ends = Date.now() + 1_500;
        while ((await settled()) === 0 && Date.now() < ends) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
      async check({ at, before }, _result, failed) {
        const attempts = async () => (await job.runs('?count=10')).filter(({ date }) => date === said(at));
        const open = async () =>
          (await attempts()).length === 0 ||
          (await gateway.DB.prepare('SELECT 1 FROM cronjob_run WHERE settled = 0').first()) !== null;
        for (let round = 0; round < 12 && (await open()); round += 1) {
          // Longer than a lane waits, and in the end longer than a run may take.
          await gateway.clock((offset += 25_000));
          await gateway.cron(at);
          await gateway.alarm('LANE', job.lane);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        const [last, ...former] = await attempts();
        expect(last!.status).toBeOneOf(failed === null ? ['done'] : ['done', 'failed']);
        expect(former.map(({ status }) => status)).toEqual(former.map(() => 'lost'));
        const effects = job.ran() - before;
        expect(effects).toBeLessThanOrEqual(failed?.mode === 'twice' ? 2 : 1 + former.length);
        expect(effects).toBeGreaterThanOrEqual(last!.status === 'done' ? 1 : 0);
      },
    });
    expect(new Set(swept.map(({ call }) => call.from))).toEqual(new Set(['worker', 'Lane']));
    expect(swept.length).toBeGreaterThan(4);
  });
});
