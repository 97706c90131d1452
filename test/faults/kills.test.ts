import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { type Management, manage } from '../helpers/management.ts';
import { type HistoryEvent, operations } from './history.ts';
import { killRig } from './kill-rig.ts';
import { remote } from './server-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-kills-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kills = process.env.POSTERN_FULL === undefined ? 2 : 60;
const seed = Number(process.env.POSTERN_SEED ?? Date.now() % 1_000_000);
const limit = 150;

/** What is wrong: a creation lost, doubled or done although nobody listened; a call too many; a revision that went back. */
function judge(events: HistoryEvent[], found: string[]): string[] {
  const wrong: string[] = [];
  const counts = Map.groupBy(found, (name) => name);
  for (const { input, outcome, output } of operations(events, 'create')) {
    const count = counts.get(input)?.length ?? 0;
    const done = outcome === 'ok' && output.status < 300;
    if (count > 1 || (done && count === 0) || (outcome === 'fail' && count > 0)) {
      wrong.push(`${input}, ${outcome} ${output?.status ?? ''}, is there ${count} times`);
    }
  }
  const answered = operations(events).filter(({ outcome }) => outcome === 'ok');
  const admitted = answered.filter(({ operation, output }) => operation === 'count' && output.status === 200).length;
  if (admitted > limit) {
    wrong.push(`${admitted} calls were admitted, ${limit} are allowed`);
  }
  const byEnd = answered.filter(({ output }) => output.revision > 0).sort((a, b) => a.ended - b.ended);
  for (const later of byEnd) {
    const earlier = byEnd.find((one) => one.ended < later.invoked && one.output.revision > later.output.revision);
    if (earlier !== undefined) {
      wrong.push(`revision ${later.output.revision} was served after ${earlier.output.revision}`);
    }
  }
  return wrong;
}

it(`keeps what it acknowledged, and its limits, through ${kills} kills and restarts (seed ${seed})`, {
  timeout: 60_000 + kills * 15_000,
}, async () => {
  let management: Management;
  let serial = 0;
  const found: string[] = [];
  const events = await killRig({
    folder,
    kills,
    // A restart by an operator, under load, is one of the ends.
    ends: ['stop', 'server', 'runtime', 'both'],
    clients: 6,
    seed,
    prepare: async (server) => {
      management = await manage(remote(server));
      await management.publish({ name: 'kills.counted', httpPath: '/counted', public: true });
      const { id } = await management.must('GET', '/backend/operation/~kills.counted');
      await management.must('POST', '/backend/rate', {
        name: 'Kills',
        priority: 100,
        rateLimit: limit,
        timespan: 'PT24H',
        mode: 'exact',
        onError: 'closed',
        allocation: [{ operationId: id }],
      });
    },
    operation: async ({ url, random, invoke }) => {
      if (random() < 0.3) {
        const name = `kept-${seed}-${++serial}`;
        await invoke('create', name, async () => {
          const { status, headers } = await management.call('POST', '/backend/scope', { name });
          return { status, revision: Number(headers.get('x-config-revision')) };
        });
      } else {
        await invoke('count', null, async () => {
          const { status, headers } = await fetch(`${url}/counted`);
          return { status, revision: Number(headers.get('x-config-revision')) };
        });
      }
    },
    finish: async () => {
      for (let startIndex = 0; ; startIndex += 100) {
        const { entry } = await management.must('GET', `/backend/scope?count=100&startIndex=${startIndex}&search=kept`);
        found.push(...entry.map(({ name }: { name: string }) => name));
        if (entry.length < 100) {
          break;
        }
      }
    },
  });
  expect(events.filter(({ type }) => type === 'kill')).toHaveLength(kills);
  const answered = operations(events).filter(({ outcome }) => outcome === 'ok');
  expect(answered.filter(({ output }) => output.status >= 400 && ![429, 503].includes(output.status))).toEqual([]);
  expect(
    answered.filter(({ operation, output }) => operation === 'create' && output.status < 300).length,
  ).toBeGreaterThan(3);
  expect(judge(events, found)).toEqual([]);
});

it('has a judge that sees what is wrong', () => {
  let id = 0;
  const done = (at: number, operation: string, value: unknown, output: unknown, type: 'ok' | 'fail' = 'ok') => {
    id += 1;
    return [
      { at, type: 'invoke' as const, id, client: 0, operation, value },
      { at: at + 1, type, id, client: 0, operation, value: output },
    ];
  };
  const created = done(0, 'create', 'a', { status: 201, revision: 1 });
  expect(judge(created, ['a'])).toEqual([]);
  expect(judge(created, [])).toEqual(['a, ok 201, is there 0 times']);
  expect(judge(created, ['a', 'a'])).toEqual(['a, ok 201, is there 2 times']);
  expect(judge(done(0, 'create', 'b', 'ECONNREFUSED', 'fail'), ['b'])).toEqual(['b, fail , is there 1 times']);
  const calls = (count: number) =>
    Array.from({ length: count }, () => done(0, 'count', null, { status: 200, revision: 1 })).flat();
  expect(judge(calls(limit), [])).toEqual([]);
  expect(judge(calls(limit + 1), [])).toEqual([`${limit + 1} calls were admitted, ${limit} are allowed`]);
  const newer = done(0, 'count', null, { status: 429, revision: 2 });
  expect(judge([...newer, ...done(5, 'count', null, { status: 429, revision: 1 })], [])).toEqual([
    'revision 1 was served after 2',
  ]);
});
