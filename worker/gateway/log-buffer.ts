import type { CallObservation, FaultObservation } from '../core/observation.ts';
import {
  addToRollup,
  callErrorRow,
  errorRow,
  faultErrorRow,
  type LoggedCall,
  logRow,
  openRollup,
  type Rollup,
  rollupKey,
} from './log-rows.ts';

/** What could not be kept, since the isolate started. */
export interface Drops {
  /** Rows of the log and of its errors. */
  rows: number;
  /** Calls that no roll-up counts. */
  calls: number;
  /** Analytics Engine points that were refused. */
  points: number;
  /** Console lines. */
  lines: number;
}

/** What one flush writes, in one transaction. */
export interface Write {
  /** Written beside the rows: the same write arriving twice changes nothing. */
  id: string;
  rows: string[];
  errors: string[];
  rollups: Rollup[];
  /** UTF-16 units of `rows` and `errors`. */
  size: number;
  /** Some flush is at it until then, milliseconds; a flush whose context was ended lets go by time alone. */
  leased: number;
}

interface ErrorEntry {
  row: ReturnType<typeof faultErrorRow>;
  count: number;
}

/** Observations of one isolate on their way to LOGS: plain data, so that any request may flush what others left. */
export interface LogBuffer {
  /** When the flush of what is in here was planned, milliseconds; 0: nobody has. */
  opened: number;
  /** It is full, and a flush is on its way. */
  urgent: boolean;
  /** They become rows when the buffer is closed: the code that makes them runs warm then. */
  calls: LoggedCall[];
  errors: Map<string, ErrorEntry>;
  rollups: Map<string, Rollup>;
  size: number;
  /** Closed, under way or waiting for LOGS to come back. */
  writes: Write[];
  drops: Drops;
  /** `drops` as last reported. */
  reported: Drops;
  /** Console lines since the last flush. */
  lines: number;
}

export interface LogLimits {
  /** Log rows and error rows held, in the buffer and in writes. */
  rows: number;
  /** UTF-16 units of them. */
  size: number;
  /** Roll-up keys in the buffer; the double, then folded without users and apps. */
  rollups: number;
  /** Roll-ups held while LOGS fails. */
  heldRollups: number;
}

export const defaultLimits: LogLimits = { rows: 4000, size: 8_000_000, rollups: 2000, heldRollups: 20_000 };

export function createLogBuffer(): LogBuffer {
  return {
    opened: 0,
    urgent: false,
    calls: [],
    errors: new Map(),
    rollups: new Map(),
    size: 0,
    writes: [],
    drops: { rows: 0, calls: 0, points: 0, lines: 0 },
    reported: { rows: 0, calls: 0, points: 0, lines: 0 },
    lines: 0,
  };
}

/** Counts a call and keeps its rows, if there is room; what does not fit is counted in `drops`. */
export function addCall(buffer: LogBuffer, call: CallObservation, limits: LogLimits): void {
  const size = buffer.rollups.size;
  const detail = size < limits.rollups ? 'all' : size < limits.rollups * 2 ? 'operation' : 'none';
  const key = rollupKey(call, detail);
  let rollup = buffer.rollups.get(key);
  if (rollup === undefined) {
    buffer.rollups.set(key, (rollup = openRollup(call, detail)));
  }
  addToRollup(rollup, call);
  if (!isLogged(call)) {
    return;
  }
  const { size: taken } = call.row;
  if (!fits(buffer, taken, limits)) {
    buffer.drops.rows++;
    return;
  }
  buffer.calls.push(call);
  buffer.size += taken;
  const error = callErrorRow(call);
  if (error !== null) {
    addError(buffer, `call ${call.requestId}`, error, limits);
  }
}

function isLogged(call: CallObservation): call is LoggedCall {
  return call.row !== null;
}

/** Keeps a fault; the same one again only counts. */
export function addFault(buffer: LogBuffer, fault: FaultObservation, limits: LogLimits): void {
  const key = `fault ${fault.tenant} ${fault.place} ${fault.message}`;
  const known = buffer.errors.get(key);
  if (known !== undefined) {
    known.count++;
  } else {
    addError(buffer, key, faultErrorRow(fault), limits);
  }
}

function addError(buffer: LogBuffer, key: string, row: ErrorEntry['row'], limits: LogLimits): void {
  const size = row.message.length + (row.trace?.length ?? 0) + 200;
  if (!fits(buffer, size, limits)) {
    buffer.drops.rows++;
    return;
  }
  buffer.errors.set(key, { row, count: 1 });
  buffer.size += size;
}

function fits(buffer: LogBuffer, size: number, limits: LogLimits): boolean {
  let rows = buffer.calls.length + buffer.errors.size + 1;
  let total = buffer.size + size;
  for (const write of buffer.writes) {
    rows += write.rows.length + write.errors.length;
    total += write.size;
  }
  return rows <= limits.rows && total <= limits.size;
}

/**
 * Takes everything out of the buffer as one write, or the rows alone: many calls share a roll-up, the more so the longer it
 * stays. Null when there is nothing.
 */
export function closeBuffer(buffer: LogBuffer, id: string, what: 'all' | 'rows' = 'all'): Write | null {
  const rollups = what === 'all' ? [...buffer.rollups.values()] : [];
  buffer.urgent = false;
  if (what === 'all') {
    buffer.opened = 0;
    buffer.lines = 0;
    buffer.rollups = new Map();
  }
  if (buffer.calls.length === 0 && buffer.errors.size === 0 && rollups.length === 0) {
    return null;
  }
  const rows: string[] = [];
  const places = new Map<string, number>();
  for (const call of buffer.calls) {
    try {
      rows.push(logRow(call));
      places.set(call.requestId, rows.length);
    } catch {
      buffer.drops.rows++;
    }
  }
  const errors = [...buffer.errors.values()].map(({ row, count }) => {
    const place = row.request_id == null ? undefined : places.get(row.request_id);
    return errorRow(row, place === undefined ? null : rows.length - place, count);
  });
  const write: Write = {
    id,
    rows,
    errors,
    rollups,
    size: rows.reduce((sum, row) => sum + row.length, 0) + errors.reduce((sum, row) => sum + row.length, 0),
    leased: 0,
  };
  buffer.calls = [];
  buffer.errors = new Map();
  buffer.size = 0;
  return write;
}

/** After LOGS refused a write twice: its rows are given up, its roll-ups wait, bounded, until LOGS is back. */
export function giveUpRows(buffer: LogBuffer, write: Write, limits: LogLimits): void {
  buffer.drops.rows += write.rows.length + write.errors.length;
  write.rows = [];
  write.errors = [];
  write.size = 0;
  write.leased = 0;
  let held = buffer.writes.reduce((sum, { rollups }) => sum + rollups.length, 0);
  while (held > limits.heldRollups && buffer.writes.length > 0) {
    const oldest = buffer.writes.shift()!;
    held -= oldest.rollups.length;
    buffer.drops.rows += oldest.rows.length + oldest.errors.length;
    buffer.drops.calls += oldest.rollups.reduce((sum, rollup) => sum + (rollup[7] as number), 0);
  }
  buffer.writes = buffer.writes.filter(({ rows, errors, rollups }) => rows.length + errors.length + rollups.length > 0);
}
