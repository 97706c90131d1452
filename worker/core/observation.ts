import type { ErrorCode } from './errors.ts';

/** A typed fact. Sinks decide what to keep: request log, Analytics Engine, roll-ups, console. */
export type Observation = CallObservation | FaultObservation | LoginObservation | PublishObservation | RunObservation;

/** One per call, whatever its fate. */
export interface CallObservation {
  kind: 'call';
  tenant: string;
  /** `X-Request-Id`. */
  requestId: string;
  /** Milliseconds since the epoch when the call was opened. */
  at: number;
  /** Milliseconds until the answer's headers. */
  duration: number;
  /** Milliseconds spent waiting for upstreams. */
  upstream: number;
  revision: number;
  operationId: number | null;
  operationName: string | null;
  categoryId: number;
  appId: number | null;
  userId: number | null;
  planId: number | null;
  method: string;
  status: number;
  errorCode: ErrorCode | null;
  errorMessage: string | null;
  /** For the error log alone: the cause's stack, or the broken rules of an input, one a line; secrets redacted. */
  trace?: string | null;
  /** ISO 3166 code of the client's country, as the platform tells it. */
  country?: string | null;
  points: number;
  /** What only the row in the log shows; null: the log does not keep the call. */
  row: CallRow | null;
}

/** The texts of a call, which take longer to be cleaned than everything else about it: that is left to whoever writes many rows. */
export interface CallRow {
  /** About how many UTF-16 units they have. */
  size: number;
  /** Makes them: secrets are redacted, control characters escaped. */
  show(): ShownCall;
}

export interface ShownCall {
  ip: string;
  userAgent: string;
  path: string;
  query: string;
  headers: Record<string, string> | null;
  body: string | null;
  /** Why the call ended as it did, plain JSON. */
  explain: object | null;
}

/** Something of ours went wrong; a caller may never have noticed. */
export interface FaultObservation {
  kind: 'fault';
  tenant: string;
  at: number;
  /** Where: `snapshot.check`, `limiter.take`, `deferred`, `action.HttpProcessor`, … */
  place: string;
  message: string;
  trace: string | null;
  requestId: string | null;
}

export interface LoginObservation {
  kind: 'login';
  tenant: string;
  at: number;
  grant: string;
  userId: number | null;
  appId: number | null;
  ip: string;
  outcome: 'issued' | 'refused' | 'reused';
}

export interface PublishObservation {
  kind: 'publish';
  tenant: string;
  at: number;
  revision: number;
  changes: number;
  duration: number;
}

/** One per run of a cronjob that came to an end. */
export interface RunObservation {
  kind: 'run';
  tenant: string;
  at: number;
  /** The cronjob. */
  id: number;
  name: string;
  outcome: 'done' | 'failed';
  /** Status of the action's answer, or of the error in its place. */
  status: number;
  duration: number;
  /** Milliseconds spent waiting for upstreams. */
  upstream: number;
}
