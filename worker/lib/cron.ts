import { Cron } from 'croner';

/** The times of an expression in a time zone. All times are whole minutes, in milliseconds since the epoch. */
export interface Schedule {
  /** The first time after a moment; null: never again. */
  next(after: number): number | null;
}

const minute = 60_000;

/** Five fields or an @nickname, single spaces between them; `?` in a field of days is `*`. Throws TypeError for another number of fields. */
export function normalCron(expression: string): string {
  const normal = expression.trim().split(/\s+/);
  if (normal[0]!.startsWith('@')) {
    return normal.join(' ').toLowerCase();
  }
  if (normal.length !== 5) {
    throw new TypeError('An expression has five fields');
  }
  // Elsewhere croner would read the moment of parsing into it.
  if (normal.some((field, position) => field.includes('?') && !(field === '?' && (position === 2 || position === 4)))) {
    throw new TypeError('? stands for a day of the month or of the week alone');
  }
  return normal.map((field) => (field === '?' ? '*' : field)).join(' ');
}

const parsed = new Map<string, Schedule>();

/**
 * Reads an expression: minute, hour, day, month, weekday with lists, ranges, steps and names; `L` for the last day or weekday of a month,
 * `15W` for the weekday nearest to the 15th, `FRI#2` for the second Friday; or `@hourly`, `@daily` … Where both kinds of
 * days are restricted either will do (POSIX crontab). A fixed time that a change of clocks leaves out comes right after the gap, and one that
 * happens twice comes the first time. Throws TypeError or RangeError for what is none, and for a time zone that does not exist.
 */
export function parseCron(expression: string, timezone: string): Schedule {
  const key = `${timezone} ${expression}`;
  let schedule = parsed.get(key);
  if (schedule === undefined) {
    const cron = new Cron(normalCron(expression), {
      paused: true,
      // A fixed offset asks no calendar: a tenth of the time.
      ...(timezone === 'UTC' ? { utcOffset: 0 } : { timezone }),
      mode: '5-part',
      fixedTimeRule: 'no-wildcard',
    });
    // It says only now that there is no such zone.
    cron.nextRun(new Date(0));
    schedule = { next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null };
    if (parsed.size >= 1_000) {
      parsed.clear();
    }
    parsed.set(key, schedule);
  }
  return schedule;
}

/** The latest times (at most `most`) after one moment and until another, oldest first. Looks back no further than it must. */
export function latestTimes(schedule: Schedule, after: number, until: number, most: number): number[] {
  for (let window = 8 * minute; ; window *= 4) {
    const from = Math.max(after, until - window);
    const times: number[] = [];
    for (let time = schedule.next(from); time !== null && time <= until; time = schedule.next(time)) {
      times.push(time);
    }
    if (times.length >= most || from === after) {
      return times.slice(-most);
    }
  }
}
