/** How repeated guesses at one door are slowed down. */
export interface BackoffPolicy {
  /** Failures without a delay. */
  free: number;
  /** Seconds of delay after the last free failure; doubles with each further one. */
  first: number;
  /** Longest delay, seconds. */
  longest: number;
  /** Seconds without an attempt after which all is forgotten. */
  memory: number;
}

/** Attempts that failed or are still being made, and when the last of them began, milliseconds since the epoch. */
export interface Failures {
  count: number;
  last: number;
}

/** Counts an attempt as failed before it is made, or says how many seconds it has to wait. */
export function attempted(
  failures: Failures,
  policy: BackoffPolicy,
  now: number,
): { allowed: true; failures: Failures } | { allowed: false; retryAfter: number } {
  const since = now - failures.last;
  const count = since >= policy.memory * 1000 ? 0 : failures.count;
  const wait = count < policy.free ? 0 : Math.min(policy.longest, policy.first * 2 ** (count - policy.free)) * 1000;
  return count > 0 && since < wait
    ? { allowed: false, retryAfter: Math.ceil((wait - since) / 1000) }
    : { allowed: true, failures: { count: count + 1, last: now } };
}
