import { invalidParameter } from '../core/errors.ts';
import type { ParameterRecord } from '../core/records.ts';

/** The query parameters of every dated list (log, audit, token, transaction, usage, statistics). */
export const dateParameters: Record<string, ParameterRecord> = {
  from: {
    type: 'string',
    description: 'First day (2026-11-21) or moment (2026-11-21T22:58:00Z); a month before the last unless given',
  },
  to: {
    type: 'string',
    description: 'Last day or moment; now unless given. At most 56 days are listed, else two months from the first',
  },
};

/** Both ends belong to the range; texts like `2026-11-21T22:58:00.000Z`, which sort as they read. */
export interface DateRange {
  from: string;
  to: string;
}

const day = 86_400_000;

/**
 * The range that `from` and `to` ask for, as Fusio reads them: a month up to now by default, swapped when reversed, and when
 * longer than 56 days cut to two months. Throws ApiError `invalid_parameter`.
 */
export function dateRange(query: Record<string, unknown>, now: number): DateRange {
  let to = moment('to', query.to) ?? { at: now, whole: false };
  let from = moment('from', query.from) ?? { at: addMonths(to.at, -1), whole: true };
  if (from.at > to.at) {
    [from, to] = [to, from];
  }
  const start = from.whole ? startOfDay(from.at) : from.at;
  let end = to.whole ? startOfDay(to.at) + day - 1 : to.at;
  if (end - start > 57 * day) {
    end = startOfDay(addMonths(start, 2)) + day - 1;
  }
  return { from: new Date(start).toISOString(), to: new Date(end).toISOString() };
}

interface Moment {
  at: number;
  /** A day without a time. */
  whole: boolean;
}

const pattern = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|[+ -]\d{2}:\d{2})?)?$/i;

function moment(name: string, value: unknown): Moment | undefined {
  if (value === undefined || value === null || value === '') {
    return undefined;
  }
  const found = typeof value === 'string' ? pattern.exec(value.trim()) : null;
  if (found !== null) {
    const [, date, time, fraction = '', zone = 'Z'] = found;
    const milliseconds = fraction.padEnd(3, '0').slice(0, 3);
    const seconds = time === undefined ? '00:00:00' : time.length === 5 ? `${time}:00` : time;
    // A `+` that was not encoded arrives as a space.
    const at = Date.parse(`${date}T${seconds}.${milliseconds}${zone.toUpperCase().replace(' ', '+')}`);
    // `2026-02-31` parses, as a day in March.
    if (!Number.isNaN(at) && new Date(`${date}T00:00:00Z`).toISOString().startsWith(date!)) {
      return { at, whole: time === undefined };
    }
  }
  throw invalidParameter(name, 'must be a date, 2026-11-21, or a date and time, 2026-11-21T22:58:00Z');
}

function startOfDay(at: number): number {
  return Math.floor(at / day) * day;
}

/** The same day and time so many months later; the last day of a shorter month. */
function addMonths(at: number, months: number): number {
  const date = new Date(at);
  const wanted = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(date.getUTCMonth() + months);
  const days = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(wanted, days));
  return date.getTime();
}
