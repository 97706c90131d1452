import type { PlainError } from './errors.ts';

// One key of one caller at one operation: what the step worker/gateway/once.ts and the object `Idempotency` say to each other.

/** What a first use came to: an answer, an error, or an answer that was too large to keep (null). */
export type KeptOutcome = { answer: KeptAnswer } | { error: PlainError } | { answer: null };

export interface KeptAnswer {
  status: number;
  headers: [string, string][];
  body: Uint8Array | null;
}

export interface KeyUse {
  /** Hex SHA-256 of what the request says. */
  fingerprint: string;
  /** Names this use, so that a lost reply does not make it a second one. */
  token: string;
  /** The use is held for lost after so many milliseconds without an outcome. */
  lease: number;
}

export type KeyVerdict =
  /** This use is the one that runs. */
  | { state: 'claimed' }
  | { state: 'known'; outcome: KeptOutcome }
  /** The key was used with another request. */
  | { state: 'differs' }
  /** The first use was cut off, and nobody knows what it did. */
  | { state: 'unknown' };

/** RPC surface of the Idempotency object (one per tenant, operation, caller and key). */
export interface IdempotencyRpc {
  /** The first use claims the key; others wait for what it comes to. */
  use(use: KeyUse): Promise<KeyVerdict>;
  /** Keeps the outcome of the claimed use until the key expires. */
  keep(token: string, outcome: KeptOutcome): Promise<void>;
  /** The claimed use did nothing: the next one may. */
  release(token: string): Promise<void>;
}
