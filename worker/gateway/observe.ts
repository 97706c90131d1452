import type { FaultObservation, Observation } from '../core/observation.ts';
import type { Observer } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { within } from '../lib/deadline.ts';
import { cut, printable } from '../lib/printable.ts';
import { redactText } from '../lib/redact.ts';
import {
  addCall,
  addFault,
  closeBuffer,
  createLogBuffer,
  type Drops,
  defaultLimits,
  giveUpRows,
  type LogBuffer,
  type LogLimits,
  type Write,
} from './log-buffer.ts';
import { writeLogs } from './log-write.ts';
import { shownTrace } from './observe-call.ts';
import { usagePoint } from './usage-point.ts';

export interface ObserverOptions {
  env: Pick<Env, 'LOGS' | 'USAGE'>;
  defer(work: Promise<unknown>): void;
  now(): number;
  /** The isolate's own unless given. */
  buffer?: LogBuffer;
  limits?: LogLimits;
  times?: Partial<typeof defaultTimes>;
  /** Where the lines about faults go (default: the console). */
  print?(line: string): void;
}

/** Milliseconds. All of them together stay below the 30 seconds that the platform gives to work after the answer. */
const defaultTimes = {
  /** From the first entry in an empty buffer to the flush. */
  gather: 1000,
  /** For one batch. */
  write: 8000,
  /** Before the second attempt. */
  retry: 250,
};

/** The rows of a buffer that is this full are flushed without waiting: no other call waits long while they are made. */
const full = { rows: 250, size: 1_000_000 };
/** How many writes that LOGS refused before are tried again after one that succeeded. */
const catchUp = 8;
/** Console lines between two flushes. */
const lineLimit = 20;

const isolate = createLogBuffer();

/** What this isolate could not keep since it started. */
export function observerDrops(): Readonly<Drops> {
  return isolate.drops;
}

/**
 * The sinks of one request's facts: an Analytics Engine point at once, the console for faults, and the isolate's buffer
 * for LOGS. Whoever puts the first entry into an empty buffer flushes the lot a second later, in its own context. Never
 * throws and never makes a call wait: what LOGS cannot take is dropped and counted.
 */
export function createObserver(options: ObserverOptions): Observer {
  return { observe: (observation) => observe(observation, options) };
}

function observe(observation: Observation, options: ObserverOptions): void {
  const { env, now, buffer = isolate, limits = defaultLimits } = options;
  try {
    writePoint(env, buffer, observation);
    if (observation.kind === 'call') {
      addCall(buffer, observation, limits);
      if (observation.errorCode === 'internal') {
        printLine(buffer, options, { ...observation, place: observation.operationName ?? 'gateway' });
      }
    } else if (observation.kind === 'fault') {
      addFault(buffer, observation, limits);
      printLine(buffer, options, observation);
    } else {
      return;
    }
    plan(buffer, options);
  } catch (error) {
    buffer.drops.rows++;
    printLine(buffer, options, faultOf('observe', error, now()));
  }
}

function plan(buffer: LogBuffer, options: ObserverOptions): void {
  const { defer, times } = options;
  const moment = options.now();
  const gather = times?.gather ?? defaultTimes.gather;
  // A flush that was planned long ago will not come: the platform ended its context.
  if (buffer.opened === 0 || moment - buffer.opened > gather + 5000 || moment < buffer.opened - 5000) {
    buffer.opened = moment;
    defer(pause(gather).then(() => flush(options)));
  } else if (!buffer.urgent && (buffer.calls.length >= full.rows || buffer.size >= full.size)) {
    buffer.urgent = true;
    // The call that filled it is answered first.
    defer(pause(0).then(() => flush(options, 'rows')));
  }
}

async function flush(options: ObserverOptions, what: 'all' | 'rows' = 'all'): Promise<void> {
  const { env, now, buffer = isolate, limits = defaultLimits } = options;
  const times = { ...defaultTimes, ...options.times };

  async function attempt(write: Write): Promise<boolean> {
    write.leased = now() + 3 * times.write;
    try {
      await within(times.write, 'LOGS', () => writeLogs(env.LOGS, write, now()));
      buffer.writes = buffer.writes.filter((other) => other !== write);
      return true;
    } catch (error) {
      printLine(buffer, options, faultOf('observe.logs', error, now()));
      return false;
    }
  }

  const write = closeBuffer(buffer, crypto.randomUUID(), what);
  let reached = true;
  if (write !== null) {
    buffer.writes.push(write);
    reached = (await attempt(write)) || (await pause(times.retry).then(() => attempt(write)));
    if (!reached) {
      giveUpRows(buffer, write, limits);
    }
  }
  const waiting = reached ? buffer.writes.slice(0, catchUp) : [];
  for (const held of waiting) {
    if (held.leased <= now() && !(await attempt(held))) {
      giveUpRows(buffer, held, limits);
      break;
    }
  }
  report(buffer, options);
}

/** What was dropped is told on the console and in the log itself, with the next flush. */
function report(buffer: LogBuffer, options: ObserverOptions): void {
  const { drops, reported } = buffer;
  const rows = drops.rows - reported.rows;
  const calls = drops.calls - reported.calls;
  const points = drops.points - reported.points;
  const lines = drops.lines - reported.lines;
  buffer.reported = { ...drops };
  if (rows + calls + points + lines > 0) {
    const message = `dropped ${rows} log rows, ${calls} calls of the statistics, ${points} data points, ${lines} console lines`;
    const fault = faultOf('observe.dropped', message, options.now());
    addFault(buffer, fault, options.limits ?? defaultLimits);
    printLine(buffer, options, fault);
    // Not reported again: the report itself may have found no room.
    buffer.reported = { ...drops };
  }
}

function writePoint(env: Pick<Env, 'USAGE'>, buffer: LogBuffer, observation: Observation): void {
  const point = env.USAGE === undefined ? null : usagePoint(observation);
  if (point === null) {
    return;
  }
  try {
    env.USAGE!.writeDataPoint(point);
  } catch {
    buffer.drops.points++;
  }
}

interface Line {
  place: string;
  tenant: string;
  at: number;
  requestId: string | null;
  message?: string;
  errorMessage?: string | null;
  trace?: string | null;
}

/** One JSON line about a fault; too many at once are only counted. */
function printLine(buffer: LogBuffer, options: ObserverOptions, line: Line): void {
  if (buffer.lines >= lineLimit) {
    buffer.drops.lines++;
    return;
  }
  buffer.lines++;
  const { place, tenant, at, requestId, trace } = line;
  const message = redactText(cut(line.message ?? line.errorMessage ?? '', 8192));
  const shown = { level: 'error', place, message, tenant, requestId, at: new Date(at).toISOString() };
  const print = options.print ?? ((text) => console.error(text));
  print(printable(JSON.stringify({ ...shown, trace: trace ? shownTrace(trace) : undefined })));
}

function faultOf(place: string, error: unknown, at: number): FaultObservation {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'fault', tenant: '', at, place, message, trace: null, requestId: null };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
