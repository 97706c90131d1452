/** Texts of failures that are the platform's and pass (D1, KV, Durable Objects), kept as data: the vendor changes them. */
const passing = [
  'Network connection lost',
  'D1 DB is overloaded',
  'caused object to be reset',
  'reset because its code was updated',
  'Cannot resolve D1 DB',
  'exceeded its memory limit',
  'exceeded its CPU time limit',
  'exceeded timeout',
  'Durable Object is overloaded',
  'KV GET failed',
  'KV PUT failed',
  'internal error',
  'The Durable Object',
];

/** How deep in the causes of an error the platform's is looked for: drizzle's and our own stand before it. */
const deepest = 4;

/**
 * Whether an error, or one that caused it, means that a part of the platform is not there at the moment, and not that we did
 * something wrong.
 */
export function isPlatformFailure(thrown: unknown, depth = deepest): boolean {
  if (!(thrown instanceof Error)) {
    return false;
  }
  const { retryable, overloaded, message, cause } = thrown as Error & { retryable?: boolean; overloaded?: boolean };
  return (
    retryable === true ||
    overloaded === true ||
    passing.some((text) => message.includes(text)) ||
    (depth > 0 && isPlatformFailure(cause, depth - 1))
  );
}

/** Whether a database refused a batch because of a condition in it (`guardStatements`). */
export function isGuardViolation(thrown: unknown): boolean {
  return thrown instanceof Error && /malformed JSON/.test(thrown.message);
}

/** Whether a database refused to overwrite a row of another tenant, which took the id meanwhile. */
export function isTakenId(thrown: unknown): boolean {
  return thrown instanceof Error && /NOT NULL constraint failed: \w+\.tenant_id/.test(thrown.message);
}

/** Whether a database refused a row because another one has its unique value. */
export function isUniqueViolation(thrown: unknown): boolean {
  return thrown instanceof Error && /UNIQUE constraint failed/.test(thrown.message);
}
