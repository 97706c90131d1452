import type { TSchema } from 'typebox';
import type { Call, CallOperation, Input } from './call.ts';
import type { OperationOptions, ParameterRecord } from './records.ts';

export const categories = { default: 1, backend: 2, consumer: 3, system: 4, authorization: 5 } as const;

/**
 * An operation of the platform itself: compiled into the bundle, never un-publishable, walked through by the same
 * pipeline as configured ones.
 */
export interface SystemOperation {
  /** Fusio's operation name, `backend.action.getAll`. */
  name: string;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Fusio's path syntax: `/backend/action/$action_id<[0-9]+|^~>`. */
  path: string;
  description: string;
  /** The scope that a token needs; null: anyone, also without a token. */
  scope: string | null;
  /** 2 (stable) unless given; core/records.ts names them. */
  stability?: number;
  /** Status of a plain result; 200 unless given. */
  status?: number;
  /** Declared query parameters; undeclared ones are ignored. */
  query?: Record<string, ParameterRecord>;
  incoming?: TSchema;
  outgoing?: TSchema;
  /** Body limit and the like, where the defaults do not fit. */
  options?: OperationOptions;
  /** Why it cannot do its work in this version: always (501), or until that is built (503). */
  unavailable?: { status: 501 | 503; reason: string };
  /** Gives a plain value (JSON) or a Response. Throws ApiError. */
  run(call: Call, input: Input): Promise<unknown>;
}

/** The catalogue of compiled operations (worker/api/index.ts), asked by method and canonical path. */
export interface SystemCatalog {
  /** All of them, for documents of the API. */
  readonly operations: readonly CallOperation[];
  match(
    method: string,
    segments: readonly string[],
  ): { found: true; operation: CallOperation; params: Record<string, string> } | { found: false; allow: string[] };
}
