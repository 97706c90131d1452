import { getTableColumns } from 'drizzle-orm';
import type { CallObservation, CallRow, FaultObservation } from '../core/observation.ts';
import { cut, printable } from '../lib/printable.ts';
import { redactText } from '../lib/redact.ts';
import { durationBounds, logErrors, logs, rollupHours } from './log-tables.ts';
import { shownTrace } from './observe-call.ts';

// From facts to rows: arrays in the order of these columns, so that a flush hands them to D1 as JSON.

export const logColumns = Object.keys(getTableColumns(logs)).filter((column) => column !== 'id');
export const errorColumns = Object.keys(getTableColumns(logErrors)).filter((column) => column !== 'id');
export const rollupColumns = Object.keys(getTableColumns(rollupHours));

type LogRow = Omit<typeof logs.$inferInsert, 'id'>;
type ErrorRow = Omit<typeof logErrors.$inferInsert, 'id' | 'log_id' | 'count'>;
/** Tenant, date, five key numbers, count, four sums and the histogram: as `rollupColumns`. */
export type Rollup = [tenant: string, date: string, ...numbers: number[]];

/** A call that the log keeps. */
export type LoggedCall = CallObservation & { row: CallRow };

/** Its row in the log, as JSON: `[column, …]` in the order of `logColumns`. */
export function logRow(call: LoggedCall): string {
  const { path, query, ip, userAgent, headers, body, explain } = call.row.show();
  const row: Omit<LogRow, 'explain'> & { explain: object | null } = {
    tenant_id: call.tenant,
    category_id: call.categoryId,
    operation_id: call.operationId,
    operation_name: call.operationName,
    app_id: call.appId,
    user_id: call.userId,
    request_id: call.requestId,
    ip,
    user_agent: userAgent,
    method: call.method,
    path: cut(query === '' ? path : `${path}?${query}`, 1023),
    header: headers === null ? null : headerText(headers),
    body,
    response_code: call.status,
    error_code: call.errorCode,
    execution_time: call.duration,
    upstream_time: call.upstream,
    revision: call.revision,
    points: call.points,
    // As it is: `->>` gives an object's JSON.
    explain,
    date: dateOf(call.at),
  };
  const values: unknown[] = [];
  for (const column of logColumns) {
    values.push(row[column as keyof LogRow] ?? null);
  }
  return JSON.stringify(values);
}

/** ISO 8601 with milliseconds. Calls come many in a second, and the platform's own formatting costs as much as the rest of a row. */
function dateOf(at: number): string {
  const second = Math.floor(at / 1000);
  if (lastSecond.number !== second) {
    lastSecond = { number: second, text: new Date(second * 1000).toISOString().slice(0, 20) };
  }
  return `${lastSecond.text}${String(Math.floor(at - second * 1000)).padStart(3, '0')}Z`;
}

let lastSecond = { number: -1, text: '' };

/** As Fusio shows them: one `Accept-Language: en` a line. */
function headerText(headers: Record<string, string>): string {
  let text = '';
  for (const name in headers) {
    text += `${text === '' ? '' : '\n'}${titleOf(name)}: ${headers[name]}`;
  }
  return text;
}

const titles = new Map<string, string>();

function titleOf(name: string): string {
  let title = titles.get(name);
  if (title === undefined) {
    title = name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
    if (titles.size >= 500) {
      titles.clear();
    }
    titles.set(name, title);
  }
  return title;
}

/** Statuses that say it all: their calls get no row among the errors. */
const obvious = new Set([401, 403, 404, 405, 410, 429]);

/** The error row of a failed call; null when the log row alone tells what happened. */
export function callErrorRow(call: CallObservation): ErrorRow | null {
  if (call.errorCode === null || obvious.has(call.status)) {
    return null;
  }
  return {
    tenant_id: call.tenant,
    request_id: call.requestId,
    message: call.errorMessage ?? call.errorCode,
    trace: call.trace ?? null,
    ...frame(call.trace ?? '', call.operationName ?? 'gateway'),
    insert_date: new Date(call.at).toISOString(),
  };
}

/** The error row of a fault that no caller may have noticed. */
export function faultErrorRow(fault: FaultObservation): ErrorRow {
  const trace = fault.trace === null ? null : shownTrace(fault.trace);
  return {
    tenant_id: fault.tenant,
    request_id: fault.requestId,
    message: cut(`${printable(fault.place)}: ${printable(redactText(cut(fault.message, 8192)))}`, 500),
    trace,
    ...frame(trace ?? '', fault.place),
    insert_date: new Date(fault.at).toISOString(),
  };
}

/** Where a stack trace begins: `at work (file:///dist/index.js:120:7)` is `index.js`, 120. */
function frame(trace: string, place: string): { file: string; line: number } {
  const found = /\n\s*at [^\n]*?([^\s/\\()]+):(\d+):\d+\)?/.exec(trace);
  return found === null ? { file: cut(place, 255), line: 0 } : { file: cut(found[1]!, 255), line: Number(found[2]) };
}

/** An error row as JSON of `errorColumns`. `fromEnd`: how many log rows of the same flush come after its own; null: it has none. */
export function errorRow(row: ErrorRow, fromEnd: number | null, count: number): string {
  const whole = { ...row, log_id: fromEnd, count };
  return JSON.stringify(errorColumns.map((column) => whole[column as keyof typeof whole] ?? null));
}

/** How much a roll-up tells apart: when there are too many of them, not who called, and then nothing but the category. */
export type Detail = 'all' | 'operation' | 'none';

/** What makes the roll-ups of two calls one. */
export function rollupKey(call: CallObservation, detail: Detail): string {
  const operation = detail === 'none' ? 0 : (call.operationId ?? 0);
  const caller = detail === 'all' ? `${call.appId ?? 0}|${call.userId ?? 0}` : '0|0';
  return `${call.tenant}|${hourOf(call.at)}|${call.categoryId}|${operation}|${caller}|${statusClass(call.status)}`;
}

/** The roll-up of a key, without a call yet. */
export function openRollup(call: CallObservation, detail: Detail): Rollup {
  return [
    call.tenant,
    hourOf(call.at),
    call.categoryId,
    detail === 'none' ? 0 : (call.operationId ?? 0),
    detail === 'all' ? (call.appId ?? 0) : 0,
    detail === 'all' ? (call.userId ?? 0) : 0,
    statusClass(call.status),
    ...new Array<number>(rollupColumns.length - keyLength).fill(0),
  ];
}

const keyLength = 7;
const [count, duration, upstream, slowest, points, firstBar] = [
  ...['count', 'duration', 'upstream', 'duration_max', 'points', `ms_${durationBounds[0]}`],
].map((column) => rollupColumns.indexOf(column)) as [number, number, number, number, number, number];

/** Counts a call in the roll-up of its key. */
export function addToRollup(rollup: Rollup, call: CallObservation): void {
  const sums = rollup as unknown as number[];
  sums[count]! += 1;
  sums[duration]! += call.duration;
  sums[upstream]! += call.upstream;
  sums[slowest] = Math.max(sums[slowest]!, call.duration);
  sums[points]! += call.points;
  const bar = durationBounds.findIndex((bound) => call.duration <= bound);
  if (bar !== -1) {
    sums[firstBar + bar]! += 1;
  }
}

function statusClass(status: number): number {
  return status >= 100 && status < 600 ? Math.floor(status / 100) : 0;
}

let lastHour = { number: -1, text: '' };

function hourOf(at: number): string {
  const number = Math.floor(at / 3_600_000);
  if (lastHour.number !== number) {
    lastHour = { number, text: `${new Date(at).toISOString().slice(0, 13)}:00:00Z` };
  }
  return lastHour.text;
}
