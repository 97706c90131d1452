import { randomBytes } from 'node:crypto';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { administrator, type Gateway, startGateway } from '../test/helpers/gateway.ts';
import { type Management, manage } from '../test/helpers/management.ts';
import { load, type Sample } from './load.ts';
import { databaseWith, days, type Filled, fillAccounts, fillLogs } from './log-fill.ts';
import { withPid } from './miniflare.ts';
import type { Bench } from './processes.ts';

/** Times that each question is asked; rounds of load. */
const [asked, rounds] = [15, 7];

interface Opened {
  gateway: Gateway;
  pid: number;
  admin: Management;
}

interface Answer {
  what: string;
  path: string;
  p50: number;
  p90: number;
  slowest: number;
  total: string;
}

/**
 * What many rows in LOGS cost those who read them, and the calls that go on meanwhile, as Markdown: the whole product in Miniflare,
 * whose D1 is SQLite in the measured process.
 */
export async function measureLogs(bench: Bench, rows: number, progress: (text: string) => void): Promise<string> {
  const persist = join(bench.folder, 'state');
  const secretKey = randomBytes(32).toString('base64');
  const first = await startGateway({ persist, secretKey });
  await first.setup();
  await first.stop();
  const now = Date.now();
  const filled = fillLogs(databaseWith(persist, 'log'), rows, now, progress);
  const accounts = Math.ceil(rows / 10);
  fillAccounts(databaseWith(persist, 'token'), accounts, now);
  const full = await open(bench, { persist, secretKey });
  const empty = await open(bench, {});
  const answers: Answer[] = [];
  for (const [what, path] of await questions(full.admin, now)) {
    progress(what);
    answers.push(await answerOf(full.admin, what, path));
  }
  const calls = await compareCalls(bench, [empty, full], progress);
  return report({ rows, accounts, filled, answers, calls });
}

async function open(bench: Bench, options: { persist?: string; secretKey?: string }): Promise<Opened> {
  const { result: gateway, pid } = await withPid(() => startGateway(options));
  bench.onStop(() => gateway.stop());
  const admin = await manage(
    options.persist === undefined ? gateway : { ...gateway, setup: async () => administrator },
  );
  await admin.publish({ name: 'bench.hello', httpPath: '/hello', public: true });
  return { gateway, pid, admin };
}

/** What people ask the log for, from the cheapest to what finds nothing in ten million rows. */
async function questions(admin: Management, now: number): Promise<[what: string, path: string][]> {
  const window = `from=${dayOf(now - 55 * 86_400_000)}&to=${dayOf(now)}`;
  const log = `/backend/log?${window}`;
  const early = `from=${dayOf(now - days * 86_400_000)}&to=${dayOf(now - (days - 2) * 86_400_000)}`;
  const { entry } = await admin.must('GET', log);
  const one = entry[0];
  return [
    ['first page', log],
    ['last page that is counted', `${log}&startIndex=9984`],
    ['1,024 entries', `${log}&count=1024`],
    ['page 40,000', `${log}&startIndex=640000`],
    ['a window in the past', `/backend/log?${early}`],
    ['of an operation', `${log}&operationId=17`],
    ['of a user', `${log}&userId=17`],
    ['of a user, last page', `${log}&userId=17&startIndex=9984`],
    ['of an app', `${log}&appId=17`],
    ['of an app that never called', `${log}&appId=999`],
    ['of the management', `${log}&categoryId=2`],
    ['of a category without calls', `${log}&categoryId=5`],
    ['failed: 5xx', `${log}&responseCode=5xx`],
    ['failed: 404, last page', `${log}&responseCode=404&startIndex=9984`],
    ['from an address', `${log}&ip=203.0.13.17`],
    ['by a path', `${log}&path=/things/999`],
    ['by a header', `${log}&header=X-Team: team-77`],
    ['by a header that nobody sent', `${log}&header=X-Nobody: knows`],
    ['by a user agent that nobody has', `${log}&userAgent=nowhere`],
    ['search: a word of a body', `${log}&search=bread`],
    ['search: a word that is nowhere', `${log}&search=nowhere`],
    ['search: path, method, header', `${log}&search=/things/1,POST,X-Team: team-7`],
    ['followed from the beginning, nothing found', `/backend/log?after=0&path=/nowhere`],
    ['one call', `/backend/log/${one.id}`],
    ['errors', '/backend/log/error'],
    ['errors, last page that is counted', '/backend/log/error?startIndex=9984'],
    ['errors, search that finds nothing', '/backend/log/error?search=nowhere'],
    ['changes', `/backend/audit?${window}`],
    ['changes, search that finds nothing', `/backend/audit?${window}&search=nowhere`],
    ['tokens', `/backend/token?${window}`],
    ['tokens of a scope that none has', `/backend/token?${window}&scope=nowhere`],
    ['tokens, sorted by address', `/backend/token?${window}&sortBy=ip`],
    ['dashboard', '/backend/dashboard'],
    ...['incoming_requests', 'most_used_operations', 'requests_per_user', 'time_average', 'requests_per_ip'].map(
      (name): [string, string] => [`statistic ${name}`, `/backend/statistic/${name}?${window}`],
    ),
    ['statistic incoming_requests of a path', `/backend/statistic/incoming_requests?${window}&path=/things/1`],
    ['statistic count_requests', `/backend/statistic/count_requests?${window}`],
  ];
}

const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);

async function answerOf(admin: Management, what: string, path: string): Promise<Answer> {
  const times: number[] = [];
  let body: any;
  for (let time = 0; time < asked; time++) {
    const started = performance.now();
    body = await admin.must('GET', encodeURI(path));
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const total =
    body.totalResults === undefined
      ? ''
      : `${body.totalResults.toLocaleString('en')}${body.totalIsMinimum ? ' or more' : ''}${body.searchedSince ? `, back to ${body.searchedSince}` : ''}`;
  return {
    ...{ what, path, total },
    p50: times[asked >> 1]!,
    p90: times[Math.floor(asked * 0.9)]!,
    slowest: times.at(-1)!,
  };
}

/** Calls of an operation that are logged, in turn where LOGS is empty and where it is full. */
async function compareCalls(bench: Bench, places: Opened[], progress: (text: string) => void): Promise<Sample[][]> {
  const found: Sample[][] = places.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, { gateway, pid }] of places.entries()) {
      progress(`calls, round ${round} of ${rounds}`);
      const sample = await load(bench, { url: gateway.url, pid }, { method: 'GET', paths: ['/hello'] }, 8, 2);
      // The first one warms up.
      if (round > 0) {
        found[at]!.push(sample);
      }
    }
  }
  return found;
}

interface Found {
  rows: number;
  accounts: number;
  filled: Filled;
  answers: Answer[];
  calls: Sample[][];
}

function report({ rows, accounts, filled, answers, calls }: Found): string {
  const number = (value: number, digits = 0) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const middle = (samples: Sample[], of: (sample: Sample) => number) =>
    samples.map(of).sort((a, b) => a - b)[samples.length >> 1]!;
  const table = (head: string[], cells: string[][]) =>
    [head, head.map(() => '---'), ...cells].map((line) => `| ${line.join(' | ')} |`).join('\n');
  return [
    `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}. ${number(rows)} calls over ${days} days: a file of ${number(filled.size / 1e9, 1)} GB with ${number(filled.rollups)} roll-ups, filled in ${number(filled.seconds)} s; ${number(accounts)} changes and as many tokens. Each question ${asked} times, over HTTP, milliseconds.`,
    table(
      ['question', 'p50', 'p90', 'slowest', 'results'],
      answers.map(({ what, p50, p90, slowest, total }) => [
        ...[what, number(p50), number(p90), number(slowest)],
        total,
      ]),
    ),
    table(
      ['calls with a row each in the log', 'CPU µs', 'requests/s', 'p50 ms', 'p90 ms'],
      calls.map((samples, at) => [
        at === 0 ? 'an empty log' : `${number(rows)} rows`,
        number(middle(samples, ({ cpu }) => cpu)),
        number(middle(samples, ({ rate }) => rate)),
        number(
          middle(samples, ({ p50 }) => p50),
          2,
        ),
        number(
          middle(samples, ({ p90 }) => p90),
          2,
        ),
      ]),
    ),
  ].join('\n\n');
}
