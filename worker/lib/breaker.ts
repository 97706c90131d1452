/**
 * Circuit breaker of one target, as plain data and pure transitions; the clock is passed in (milliseconds).
 * closed → open after `threshold` consecutive failures → half-open after `cooldown`: one probe, whose outcome closes or opens again.
 */
export interface BreakerState {
  /** Consecutive failures. */
  failures: number;
  /** When the last one was; null while there is none. */
  failed: number | null;
  /** When it opened; null while closed. */
  opened: number | null;
  /** When the probe under way was let through; null when there is none. */
  probing: number | null;
}

export interface BreakerRules {
  threshold: number;
  cooldown: number;
  /** A probe that never reported (its caller went away) stops counting after this long. */
  probePatience: number;
}

export const breakerRules: BreakerRules = { threshold: 5, cooldown: 10_000, probePatience: 30_000 };

export const closed: BreakerState = { failures: 0, failed: null, opened: null, probing: null };

export type Admission =
  | { admitted: true; state: BreakerState }
  /** `retryAfter`: whole seconds, at least 1. */
  | { admitted: false; state: BreakerState; retryAfter: number };

/** Asks to call the target. When the breaker is half-open, the first asker becomes the probe. */
export function admit(state: BreakerState, now: number, rules: BreakerRules = breakerRules): Admission {
  if (state.opened === null) {
    return { admitted: true, state };
  }
  const cooled = state.opened + rules.cooldown;
  const free = state.probing === null ? cooled : Math.max(cooled, state.probing + rules.probePatience);
  if (now >= free) {
    return { admitted: true, state: { ...state, probing: now } };
  }
  return { admitted: false, state, retryAfter: Math.max(1, Math.ceil((free - now) / 1000)) };
}

/** The target answered. */
export function succeed(state: BreakerState): BreakerState {
  return state.failures === 0 && state.opened === null ? state : closed;
}

/** The target could not be reached, was too slow, or said that it cannot serve. */
export function fail(state: BreakerState, now: number, rules: BreakerRules = breakerRules): BreakerState {
  const failures = state.failures + 1;
  if (state.opened !== null && state.probing === null) {
    // A straggler from before it opened: the cooldown runs on.
    return { ...state, failures, failed: now };
  }
  const opens = state.opened !== null || failures >= rules.threshold;
  return { failures, failed: now, opened: opens ? now : null, probing: null };
}

/** Whether the last call failed less than a cooldown ago: where there is a choice, others come first. */
export function isSuspect(state: BreakerState, now: number, rules: BreakerRules = breakerRules): boolean {
  return state.failed !== null && now - state.failed < rules.cooldown;
}

/** Says nothing about the target (a caller that went away, a refusal of our own): a probe's place becomes free. */
export function abandon(state: BreakerState): BreakerState {
  return state.probing === null ? state : { ...state, probing: null };
}

const states = new Map<string, BreakerState>();
/** Healthy targets are not kept, so this bounds the failing ones. */
const maximumKept = 2_000;

/** The breakers of this isolate by target name. Each isolate finds out for itself: approximate by design, and without a round trip. */
export const breakers = {
  admit(target: string, now: number): Admission {
    const state = states.get(target);
    if (state === undefined) {
      return { admitted: true, state: closed };
    }
    const admission = admit(state, now);
    keep(target, admission.state);
    return admission;
  },
  isSuspect(target: string, now: number): boolean {
    const state = states.get(target);
    return state !== undefined && isSuspect(state, now);
  },
  succeed(target: string): void {
    const state = states.get(target);
    if (state !== undefined) {
      keep(target, succeed(state));
    }
  },
  fail(target: string, now: number): void {
    keep(target, fail(states.get(target) ?? closed, now));
  },
  abandon(target: string): void {
    const state = states.get(target);
    if (state !== undefined) {
      keep(target, abandon(state));
    }
  },
  /** Forgets everything: each test starts with healthy targets. */
  reset(): void {
    states.clear();
  },
};

function keep(target: string, state: BreakerState): void {
  states.delete(target);
  if (state === closed) {
    return;
  }
  states.set(target, state);
  if (states.size > maximumKept) {
    const oldest = states.keys().next();
    if (!oldest.done) {
      states.delete(oldest.value);
    }
  }
}
