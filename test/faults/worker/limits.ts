import { AsyncLocalStorage } from 'node:async_hooks';

// The limits of production that local emulation lets pass. Others it enforces itself, in production's words (100 bound
// parameters, 100 KB of SQL, 100 columns, 5 terms in a compound SELECT, expressions 100 deep, LIKE patterns of 50 bytes,
// KV keys of 512 bytes and values of 25 MiB; test/faults/bindings.test.ts holds it to that).
// Nothing here can count sub-requests or the six connections that an invocation may have open: the platform alone sees
// when a body is read to its end.

export const statementLimit = 1_000;
export const valueLimit = 2_000_000;
export const dataPointLimit = 25;

/** What one invocation (a request, a cron run, a call of an object's method) has used up. */
interface Invocation {
  from: string;
  statements: number;
  dataPoints: number;
}

const invocations = new AsyncLocalStorage<Invocation>();

/** Runs one invocation of the worker or of an object's class with a budget of its own. */
export function invocation<T>(from: string, run: () => T): T {
  return invocations.run({ from, statements: 0, dataPoints: 0 }, run);
}

/** Who runs: `worker`, or the class of a Durable Object. */
export function invoked(): string {
  return invocations.getStore()?.from ?? 'worker';
}

/** Counts statements against the invocation. Throws as D1 does beyond 1,000. */
export function spendStatements(count: number): void {
  const budget = invocations.getStore();
  if (budget === undefined) {
    return;
  }
  budget.statements += count;
  if (budget.statements > statementLimit) {
    throw new Error('D1_ERROR: Too many API requests by single worker invocation.');
  }
}

/** Throws as D1 does when a bound value, or the row that an INSERT makes of them, is larger than 2 MB. */
export function checkValues(sql: string, values: readonly unknown[]): void {
  const sizes = values.map(byteSize);
  const oneRow = /^\s*(insert|replace)\b/i.test(sql) && !/\)\s*,\s*\(/.test(sql);
  const largest = oneRow ? sizes.reduce((sum, size) => sum + size, 0) : Math.max(0, ...sizes);
  if (largest > valueLimit) {
    throw new Error('D1_ERROR: string or blob too big: SQLITE_TOOBIG');
  }
}

function byteSize(value: unknown): number {
  if (typeof value === 'string') {
    return new TextEncoder().encode(value).length;
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return value.byteLength;
  }
  return Array.isArray(value) ? value.length : 8;
}

interface DataPoint {
  blobs?: unknown[];
  doubles?: unknown[];
  indexes?: unknown[];
}

/** Throws where Analytics Engine refuses or drops a point: 20 blobs of 16 KB together, 20 doubles, one index of 96 bytes, 25 points. */
export function checkDataPoint(point: DataPoint): void {
  const budget = invocations.getStore();
  if (budget !== undefined) {
    budget.dataPoints += 1;
  }
  const blobs = point.blobs ?? [];
  const indexes = point.indexes ?? [];
  const broken = [
    [blobs.length > 20, 'Maximum of 20 blobs supported.'],
    [(point.doubles ?? []).length > 20, 'Maximum of 20 doubles supported.'],
    [indexes.length > 1, 'Maximum of 1 indexes supported.'],
    [indexes.some((index) => byteSize(index) > 96), 'Size of index exceeds 96 bytes.'],
    [blobs.reduce<number>((sum, blob) => sum + byteSize(blob), 0) > 16_384, 'Size of blobs exceeds 16 KB.'],
    [(budget?.dataPoints ?? 0) > dataPointLimit, `More than ${dataPointLimit} data points in one invocation.`],
  ].find(([wrong]) => wrong);
  if (broken !== undefined) {
    throw new TypeError(`writeDataPoint(): ${broken[1]}`);
  }
}
