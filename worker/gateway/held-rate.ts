import {
  leaseOf,
  leaseSpan,
  type Settlement,
  type WindowAnswer,
  type WindowQuestion,
  type WindowState,
} from '../lib/window.ts';

/**
 * What an isolate holds of one rate for one caller: leases, a refusal, and what its next question should ask for. Plain data,
 * because it outlives requests; functions on it are synchronous, so that nothing interleaves. Milliseconds are those of the
 * isolate's clock.
 */
export interface HeldRate {
  limit: number;
  /** Seconds. */
  timespan: number;
  /** In the order in which they are used up. */
  leases: Lease[];
  /** Leases that are over and of which the object has not heard yet. */
  over: Lease[];
  /** Until this moment the object would refuse. */
  refusedUntil: number;
  /** When capacity returns. */
  resetAt: number;
  /** What the object had left when it answered last. */
  remaining: number;
  /** Calls admitted since `since`, and since the object was asked last: the demand. */
  calls: number;
  since: number;
  sinceAsked: number;
  /** The question under way that others may wait for. */
  ask: Ask | null;
  /** The object was too slow: until this moment an `open` rate does not wait for it again. */
  slowUntil: number;
  /** Counts while the object is out of reach and the rate is `open`. */
  local: WindowState | null;
}

interface Lease {
  id: number;
  size: number;
  left: number;
  from: number;
  /** Void from this moment on. */
  until: number;
  /** Calls used, by eighths of the time between. */
  used: number[];
  /** Whether a refill was asked for when it ran low. */
  refilled: boolean;
}

export interface Ask {
  at: number;
  /** Calls beyond the asker's own that it will probably bring. */
  expected: number;
  /** Calls that wait for them. */
  followers: number;
}

/** Leases of the past that are remembered; what is beyond stays counted in the object until it is void. */
const mostOver = 8;

export function holdRate(limit: number, timespan: number, now: number): HeldRate {
  return {
    limit,
    timespan,
    leases: [],
    over: [],
    refusedUntil: 0,
    resetAt: now + timespan * 1000,
    remaining: limit,
    calls: 0,
    since: now,
    sinceAsked: 0,
    ask: null,
    slowUntil: 0,
    local: null,
  };
}

/** The rate's limit or timespan was changed: leases and refusals of the old ones are void at once. */
export function rescale(held: HeldRate, limit: number, timespan: number, now: number): void {
  const { leases, over } = held;
  Object.assign(held, holdRate(limit, timespan, now), { over });
  for (const lease of leases) {
    finish(held, lease);
  }
}

/** Admits one call out of a lease, if there is one. */
export function spend(held: HeldRate, now: number): boolean {
  for (let lease = held.leases[0]; lease !== undefined; lease = held.leases[0]) {
    if (lease.left > 0 && now < lease.until) {
      lease.left -= 1;
      lease.used[eighthOf(lease, now)]! += 1;
      held.calls += 1;
      held.sinceAsked += 1;
      return true;
    }
    held.leases.shift();
    finish(held, lease);
  }
  return false;
}

/** Calls left, as far as the isolate knows. */
export function left(held: HeldRate): number {
  let calls = held.remaining;
  for (const lease of held.leases) {
    calls += lease.left;
  }
  return calls;
}

/** True once per lease, when it runs low and nothing is under way: time to ask for the next one before anybody waits. */
export function runsLow(held: HeldRate): boolean {
  const lease = held.leases[0];
  if (
    lease === undefined ||
    lease.refilled ||
    held.leases.length > 1 ||
    lease.size < 8 ||
    lease.left * 4 > lease.size
  ) {
    return false;
  }
  lease.refilled = true;
  return held.ask === null;
}

/**
 * The next question to the object: one call for itself unless it is `ahead` of need, and a lease for what comes at the pace of
 * late, but at most four times what the isolate admitted since its last question (or a 256th of the limit).
 */
export function nextQuestion(held: HeldRate, now: number, ahead: boolean): WindowQuestion {
  const { limit, timespan } = held;
  const span = leaseSpan(timespan);
  const elapsed = Math.max(now - held.since, 1);
  const pace = held.calls === 0 ? undefined : (held.calls * 1000) / elapsed;
  const lease = Math.max(4 * held.sinceAsked, Math.floor(limit / 256));
  if (elapsed > span) {
    // Older demand fades: half a span of it stays.
    held.calls = (held.calls * span) / elapsed / 2;
    held.since = now - span / 2;
  }
  held.sinceAsked = 0;
  return {
    limit,
    timespan,
    want: lease + (ahead ? 0 : 1),
    pace,
    ahead,
    settle: settlements(held, now),
  };
}

/** The question of an exact rate: this call, and nothing in store. */
export function exactQuestion(held: HeldRate, now: number): WindowQuestion {
  const { limit, timespan } = held;
  for (const lease of held.leases.splice(0)) {
    finish(held, lease);
  }
  return { limit, timespan, want: 1, settle: settlements(held, now) };
}

/** Takes the object's answer in. `sent` is the moment before the question left: the lease is counted from there. */
export function learn(held: HeldRate, question: WindowQuestion, answer: WindowAnswer, sent: number, now: number): void {
  const told = question.settle ?? [];
  if (told.length > 0) {
    held.over = held.over.filter(({ id }) => !told.some(({ lease }) => lease === id));
  }
  const own = question.ahead || answer.granted === 0 ? 0 : 1;
  const calls = answer.granted - own;
  if (calls > 0) {
    const until = sent + answer.expiresIn * 1000;
    const used = new Array<number>(8).fill(0);
    const lease = { id: answer.lease, size: calls, left: calls, from: sent, until, used, refilled: false };
    if (held.limit !== question.limit || held.timespan !== question.timespan) {
      finish(held, lease);
      return;
    }
    held.leases.push(lease);
  }
  held.remaining = answer.remaining;
  held.resetAt = now + answer.resetIn * 1000;
  held.calls += own;
  held.sinceAsked += own;
  if (answer.granted === 0 && !question.ahead) {
    held.refusedUntil = now + answer.askAgainIn * 1000;
  }
}

/** Whether a call may wait for the question under way instead of asking itself, and then counts as waiting. */
export function follow(held: HeldRate, now: number, patience: number): Ask | null {
  const { ask } = held;
  // An asker whose client went away never comes back: its question is forgotten after a while.
  if (ask === null || now - ask.at >= patience || ask.followers >= ask.expected) {
    return null;
  }
  ask.followers += 1;
  return ask;
}

/** Notes that a question is under way. */
export function announceAsk(held: HeldRate, question: WindowQuestion, now: number): Ask {
  const ask = { at: now, expected: leaseOf(question, held.remaining).calls, followers: 0 };
  held.ask = ask;
  return ask;
}

function finish(held: HeldRate, lease: Lease): void {
  if (held.over.length < mostOver) {
    held.over.push(lease);
  }
}

/** What the object is to hear of leases that are over; undefined when nothing. Eighths count as used at their ends. */
function settlements({ over }: HeldRate, now: number): Settlement[] | undefined {
  if (over.length === 0) {
    return undefined;
  }
  return over.map(({ id, from, until, used }) => ({
    lease: id,
    used: used
      .map((calls, index): [number, number] => [Math.max(0, now - from - ((index + 1) * (until - from)) / 8), calls])
      .filter(([, calls]) => calls > 0),
  }));
}

function eighthOf({ from, until }: Lease, now: number): number {
  return Math.max(0, Math.min(7, Math.floor(((now - from) * 8) / (until - from))));
}
