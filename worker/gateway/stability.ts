import { type OperationRecord, stabilities } from '../core/records.ts';
import { memo } from '../core/snapshot.ts';

/**
 * What the answers of an operation say about its future: `X-Stability`, for a deprecated one `Deprecation` (RFC 9745 §2.1,
 * a structured-field date) and, when it has an end, `Sunset` (RFC 8594 §3). Same list for every call of the record.
 */
export function stabilityHeaders(operation: OperationRecord): readonly (readonly [string, string])[] {
  return memo(operation, 'stability', () => {
    const { stability, options } = operation;
    const headers: [string, string][] = [['X-Stability', stabilities[stability] ?? 'experimental']];
    const deprecated = time(options?.deprecated);
    if (stability === 0 || deprecated !== null) {
      // Without a known day it is deprecated since ever: RFC 9745 has no value but a date.
      headers.push(['Deprecation', `@${Math.floor((deprecated ?? 0) / 1000)}`]);
    }
    const sunset = time(options?.sunset);
    if (sunset !== null) {
      headers.push(['Sunset', new Date(sunset).toUTCString()]);
    }
    return headers;
  });
}

function time(date: string | undefined): number | null {
  const milliseconds = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(milliseconds) ? null : milliseconds;
}
