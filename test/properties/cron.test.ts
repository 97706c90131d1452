import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCron } from '../../worker/lib/cron.ts';
import { installedModule } from '../conformance/installed.ts';

const runs = process.env.POSTERN_FULL === undefined ? 200 : 10_000;

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/St_Johns',
];

/** `*`, a step, or a list of numbers and ranges, sometimes with a name in place of a number. */
function field(from: number, to: number, names: readonly string[] = []): fc.Arbitrary<string> {
  const number = fc.integer({ min: from, max: to });
  const said = number.chain((value) =>
    fc.constantFrom(String(value), ...(names[value - from] ? [names[value - from]!] : [])),
  );
  const range = fc.tuple(number, number).map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
  const stepped = fc
    .tuple(number, number, fc.integer({ min: 1, max: Math.ceil((to - from) / 2) }))
    .filter(([one, other, step]) => Math.abs(one - other) + 1 >= step)
    .map(([one, other, step]) => `${Math.min(one, other)}-${Math.max(one, other)}/${step}`);
  const list = fc
    .array(fc.oneof(said, said, range, stepped), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join(','));
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: to }).map((step) => `*/${step}`) },
    { weight: 3, arbitrary: list },
  );
}

const months = ['JAN', 'feb', 'Mar', 'APR', 'may', 'jun', 'JUL', 'aug', 'sep', 'oct', 'nov', 'DEC'];
const days = ['SUN', 'mon', 'Tue', 'WED', 'thu', 'fri', 'SAT'];
const numbered = fc
  .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 5 }))
  .map(([day, nth]) => `${day}#${nth}`);

const expressions = fc.oneof(
  { weight: 9, arbitrary: fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12, months), fc.constant('*')) },
  {
    weight: 6,
    arbitrary: fc.tuple(field(0, 59), field(0, 23), fc.constant('*'), field(1, 12, months), field(0, 6, days)),
  },
  { weight: 3, arbitrary: fc.tuple(field(0, 59), field(0, 23), field(1, 31), fc.constant('*'), field(0, 6, days)) },
  { weight: 1, arbitrary: fc.tuple(field(0, 59), field(0, 23), fc.constant('L'), fc.constant('*'), fc.constant('*')) },
  { weight: 1, arbitrary: fc.tuple(field(0, 59), field(0, 23), fc.constant('*'), fc.constant('*'), numbered) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      field(0, 59),
      field(0, 23),
      fc.constant('*'),
      fc.constant('*'),
      fc.integer({ min: 0, max: 6 }).map((day) => `${day}L`),
    ),
  },
);

describe('times of an expression', () => {
  it(`are those that cron-parser finds, ${runs} times, away from changes of clocks`, { timeout: 540_000 }, async () => {
    const { CronExpressionParser } = await installedModule('cron-parser/dist/index.js');
    let compared = 0;
    fc.assert(
      fc.property(
        expressions,
        fc.constantFrom(...zones),
        fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true }),
        (fields, timezone, from) => {
          const cron = fields.join(' ');
          const wanted = expected(CronExpressionParser, cron, timezone, from);
          if (wanted === null || changes(timezone, from.getTime(), wanted.at(-1)!)) {
            return;
          }
          compared += 1;
          const schedule = parseCron(cron, timezone);
          let time = from.getTime();
          const found = wanted.map(() => (time = schedule.next(time)!));
          expect([cron, timezone, found.map(iso)]).toEqual([cron, timezone, wanted.map(iso)]);
        },
      ),
      { numRuns: runs, seed: 1 },
    );
    expect(compared).toBeGreaterThan(runs / 3);
  });

  // Worked out by hand. The European Union's clocks go from 2 to 3 on 29 March 2026 at 1:00 UTC, and from 3 to 2 on 25 October 2026
  // at 1:00 UTC; Lord Howe's by half an hour.
  it.each([
    [
      'a time in the gap comes right after it',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ],
    [
      'times in a list as well',
      '30 2,5 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      '2026-03-29T01:00Z',
      '2026-03-29T03:30Z',
    ],
    [
      'intervals go over the gap',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:20Z',
      '2026-03-29T00:30Z',
      '2026-03-29T01:00Z',
    ],
    [
      'a time that comes twice counts the first time',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ],
    [
      'in a list as well',
      '30 2,14 * * *',
      'Europe/Berlin',
      '2026-10-24T13:00Z',
      '2026-10-25T00:30Z',
      '2026-10-25T13:30Z',
    ],
    [
      'intervals go on through the hour that comes twice',
      '0,30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:20Z',
      '2026-10-25T00:30Z',
      '2026-10-25T01:00Z',
    ],
    [
      'half an hour is left out on Lord Howe',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00Z',
      '2026-10-03T15:30Z',
      '2026-10-04T15:15Z',
    ],
    [
      'the weekday nearest to a Saturday',
      '0 0 15W * *',
      'UTC',
      '2026-08-01T00:00Z',
      '2026-08-14T00:00Z',
      '2026-09-15T00:00Z',
    ],
    ['to a Sunday', '0 0 15W * *', 'UTC', '2026-10-20T00:00Z', '2026-11-16T00:00Z', '2026-12-15T00:00Z'],
    ['never in another month', '0 0 1W * *', 'UTC', '2026-07-20T00:00Z', '2026-08-03T00:00Z', '2026-09-01T00:00Z'],
    ['the last weekday', '0 0 LW * *', 'UTC', '2026-02-01T00:00Z', '2026-02-27T00:00Z', '2026-03-31T00:00Z'],
    ['the last day', '0 0 L * *', 'UTC', '2028-02-01T00:00Z', '2028-02-29T00:00Z', '2028-03-31T00:00Z'],
    ['leap days', '0 0 29 2 *', 'UTC', '2026-02-01T00:00Z', '2028-02-29T00:00Z', '2032-02-29T00:00Z'],
    ['names of times', '@weekly', 'UTC', '2026-11-18T00:00Z', '2026-11-22T00:00Z', '2026-11-29T00:00Z'],
    ['no day in particular', '0 12 ? * MON-FRI', 'UTC', '2026-11-20T13:00Z', '2026-11-23T12:00Z', '2026-11-24T12:00Z'],
  ])('%s: %s in %s', (_, cron, timezone, from, first, second) => {
    const schedule = parseCron(cron, timezone);
    const found = schedule.next(Date.parse(from))!;
    expect([iso(found), iso(schedule.next(found)!)]).toEqual([first, second].map((time) => iso(Date.parse(time))));
  });
});

function iso(time: number): string {
  return new Date(time).toISOString();
}

function expected(parser: any, cron: string, timezone: string, from: Date): number[] | null {
  try {
    return parser
      .parse(cron, { currentDate: from, tz: timezone })
      .take(3)
      .map((date: { getTime(): number }) => date.getTime());
  } catch {
    // It gives up on days that never come, or not for years.
    return null;
  }
}

/** Whether a zone's distance from UTC differs at some time between: then the libraries may, too. */
function changes(timezone: string, from: number, until: number): boolean {
  const offset = new Intl.DateTimeFormat('en', { timeZone: timezone, timeZoneName: 'longOffset' });
  const at = (time: number) => offset.formatToParts(time).find(({ type }) => type === 'timeZoneName')!.value;
  if (timezone === 'UTC' || timezone === 'Asia/Kolkata') {
    return false;
  }
  // A change lasts for months; a day before and after counts as well.
  for (let time = from - 86_400_000; time < until + 86_400_000; time += 14 * 86_400_000) {
    if (at(time) !== at(Math.min(time + 14 * 86_400_000, until + 86_400_000))) {
      return true;
    }
  }
  return false;
}
