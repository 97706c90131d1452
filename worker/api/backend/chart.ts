import { Type } from 'typebox';
import type { DateRange } from '../date-range.ts';

// The shape that every statistic has, whatever it counts: one label a day, and as many values in each series.

export interface Chart {
  labels: string[];
  /** `error`: half the widths of the values' 95 % intervals, where they are estimates. */
  series: { name: string; data: number[]; error?: number[] }[];
  /** Who counted, if not the log. */
  source?: 'analytics';
  /** Why the numbers are not the whole truth. */
  note?: string;
}

export const chartSchema = Type.Object({
  labels: Type.Array(Type.String()),
  series: Type.Array(
    Type.Object({
      name: Type.String(),
      data: Type.Array(Type.Number()),
      error: Type.Optional(
        Type.Array(Type.Number(), {
          description: 'Of estimates: the true values are within ± this of data with 95 % confidence',
        }),
      ),
    }),
  ),
  source: Type.Optional(Type.String({ description: 'analytics when Analytics Engine counted the calls' })),
  note: Type.Optional(Type.String({ description: 'Why the numbers are not the whole truth' })),
});

/** One value of one series on one day, `2026-11-21`. */
export interface Point {
  day: string;
  key: string | number;
  value: number;
  /** Half the width of the value's 95 % interval, when it is an estimate. */
  error?: number;
}

/** A series to be drawn; the order is theirs. */
export interface Series {
  key: string | number;
  name: string;
}

/** The days of a range in UTC, both ends included. */
export function daysOf({ from, to }: DateRange): string[] {
  const days: string[] = [];
  for (let at = Date.parse(`${from.slice(0, 10)}T00:00:00Z`); at <= Date.parse(to); at += 86_400_000) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}

/** The chart of a range: days without a point are zero, points of other days or series are left out. */
export function chartOf(range: DateRange, series: readonly Series[], points: readonly Point[]): Chart {
  const days = daysOf(range);
  const places = new Map(days.map((day, index) => [day, index]));
  const zeros = () => new Array<number>(days.length).fill(0);
  const drawn = new Map(
    series.map(({ key, name }): [string | number, Chart['series'][number]] => [key, { name, data: zeros() }]),
  );
  for (const { day, key, value, error } of points) {
    const place = places.get(day);
    const one = drawn.get(key);
    if (place === undefined || one === undefined) {
      continue;
    }
    one.data[place] = rounded(value);
    if (error !== undefined) {
      (one.error ??= zeros())[place] = rounded(error);
    }
  }
  return { labels: labelsOf(days), series: [...drawn.values()] };
}

const rounded = (value: number) => Math.round(value * 100) / 100;

/** Fusio names the days of less than four weeks by their weekday, longer ranges by date. */
function labelsOf(days: readonly string[]): string[] {
  return days.length < 28 ? days.map((day) => weekdays[new Date(`${day}T00:00:00Z`).getUTCDay()]!) : [...days];
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
