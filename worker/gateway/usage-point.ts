import type { Observation } from '../core/observation.ts';

/**
 * The Analytics Engine point of a fact (20 blobs, 20 doubles, one index of 96 bytes). No address, user agent or path:
 * points are kept for three months, whatever the retention of the log is.
 *
 * blobs: kind, tenant, operation (grant of a login, cronjob of a run), method, status, error code (outcome of a login or run), country.
 * doubles: 1, duration ms, upstream ms, status, points, operation (cronjob), app, user, plan, category, revision (changes of a publish).
 */
export function usagePoint(observation: Observation): AnalyticsEngineDataPoint | null {
  const { kind, tenant } = observation;
  switch (observation.kind) {
    case 'call': {
      const { operationId, operationName, method, status, errorCode, country, duration, upstream, points } =
        observation;
      const { appId, userId, planId, categoryId, revision } = observation;
      return point(
        `${tenant}:${operationId ?? 0}`,
        [kind, tenant, operationName, method, String(status), errorCode, country],
        [1, duration, upstream, status, points, operationId, appId, userId, planId, categoryId, revision],
      );
    }
    case 'login': {
      const { grant, outcome, appId, userId } = observation;
      return point(
        `${tenant}:login`,
        [kind, tenant, grant, '', '', outcome, ''],
        [1, 0, 0, 0, 0, 0, appId, userId, 0, 0, 0],
      );
    }
    case 'publish': {
      const { duration, revision, changes } = observation;
      return point(`${tenant}:publish`, [kind, tenant], [1, duration, 0, 0, 0, 0, 0, 0, 0, 0, revision, changes]);
    }
    case 'run': {
      const { id, name, outcome, status, duration, upstream } = observation;
      return point(
        `${tenant}:run:${id}`,
        [kind, tenant, name, '', String(status), outcome, ''],
        [1, duration, upstream, status, 0, id],
      );
    }
    default:
      return null;
  }
}

function point(
  index: string,
  blobs: (string | null | undefined)[],
  doubles: (number | null)[],
): AnalyticsEngineDataPoint {
  return {
    indexes: [within(index, 96)],
    blobs: blobs.map((blob) => within(blob ?? '', 512)),
    doubles: doubles.map((double) => double ?? 0),
  };
}

/** At most `bytes` bytes of UTF-8; a third as many units are always within. */
function within(text: string, bytes: number): string {
  return text.length * 3 <= bytes ? text : shorten(text, bytes);
}

const encoder = new TextEncoder();

function shorten(text: string, bytes: number): string {
  const { read } = encoder.encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
