import type { Call } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import { type Soon, soon } from '../lib/soon.ts';
import { emptyWindow, take, type WindowAnswer, type WindowQuestion } from '../lib/window.ts';
import { type ChosenRate, chooseRate, type PlanOf } from './choose-rate.ts';
import {
  announceAsk,
  exactQuestion,
  follow,
  type HeldRate,
  holdRate,
  learn,
  left,
  nextQuestion,
  rescale,
  runsLow,
  spend,
} from './held-rate.ts';
import { countingPlace } from './limiter-name.ts';
import { planOfUser } from './plan-of-user.ts';

/**
 * The rate of a call: at most `limit` calls per caller in any window of the timespan, over all isolates. A caller is a user,
 * or an app without a user, or an address (IPv6: its /64) when anonymous; a rate counts all operations that it applies to
 * together.
 *
 * `exact`: every call asks the Limiter object. `leased`: the object hands out leases that the isolate spends from memory.
 * Neither is ever over the limit (worker/lib/window.ts says why): a lease counts in full from its grant, and the isolate
 * counts its end from before it asked, so that clocks need not agree. What is approximate is refusing too early:
 * - both: capacity returns up to a sixtieth of the timespan, and 100 ms, late;
 * - leased: an isolate may sit on calls that another one needs: what it used up to now suggests, at most the larger of a 256th
 *   of the limit and four times what it admitted since its question before, at most an eighth of what was left, and
 *   none when little is left (a lease shrinks with what is left, down to one call per question). They come back
 *   with the isolate's next question; if none comes, when the lease ends (a quarter of the timespan, at most two minutes)
 *   plus the timespan;
 * - what a crash of the object forfeits (a 64th of the limit, at most 1,000 calls);
 * - a refusal is remembered for as long as asking would be pointless; while leases are out, for at most a second.
 * Measured with four isolates (test/properties/limiter-fleet.test.ts): at a load about the limit, up to 5 % of the calls
 * are refused that an ideal window would admit, none at a load of ten times the limit, none below nine tenths of a large
 * limit.
 *
 * When the object does not answer within 250 ms, or fails, `on_error` decides: `closed` refuses with 503; `open` admits what
 * a count of this isolate alone allows, so that n isolates together may admit n times the limit until the object is back.
 */

/** How long a call waits for the object, milliseconds. */
const patience = 250;
/** How long an answer that came too late for its call may still be taken in, milliseconds. */
const lateness = 5_000;
/** After a time-out an `open` rate counts by itself for so long, milliseconds. */
const slowness = 1_000;
/** Callers remembered per isolate. */
const mostHeld = 10_000;

/** By tenant, rate and caller, the least recently asked first. */
const heldRates = new Map<string, HeldRate>();

interface Verdict {
  admitted: boolean;
  /** Calls left before this one. */
  before: number;
  /** Milliseconds until capacity returns. */
  resetIn: number;
}

/** One call on its way to a verdict. */
interface Asking {
  call: Call;
  rate: ChosenRate;
  held: HeldRate;
  /** The caller's place in `heldRates`. */
  place: string;
  /** The Limiter object's name, and the window in it. */
  object: string;
  key: string;
}

/**
 * Counts the call and sets its quota and the headers that every answer carries: `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-10), `RateLimit-Limit` and `RateLimit-Remaining` (before this call) as Fusio's clients
 * read them. Throws `rate_limited` with a true `Retry-After`, or `unavailable`. No rate, no headers.
 */
export function takeRate(call: Call, planOf: PlanOf = planOfUser): Soon<void> {
  return soon(chooseRate(call, planOf), (rate) => (rate === null ? undefined : takeFrom(call, rate)));
}

function takeFrom(call: Call, rate: ChosenRate): Soon<void> {
  const { timespan } = rate;
  if (timespan === null) {
    throw new ApiError('not_configured', `The timespan of the rate ${rate.record.name} is not valid`);
  }
  const asking = askingFor(call, rate, timespan);
  return soon(fromMemory(asking, call.runtime.now()) ?? decide(asking), (verdict) => {
    tell(call, rate, timespan, verdict);
    if (!verdict.admitted) {
      throw new ApiError('rate_limited', undefined, { headers: { 'Retry-After': String(seconds(verdict.resetIn)) } });
    }
  });
}

/** What the isolate knows by itself, at once; null where the object has to be asked. */
function fromMemory(asking: Asking, now: number): Verdict | null {
  const { call, rate, held } = asking;
  if (rate.record.mode === 'leased' && spend(held, now)) {
    if (runsLow(held)) {
      call.runtime.defer(refill(asking, now));
    }
    return { admitted: true, before: left(held) + 1, resetIn: held.resetAt - now };
  }
  if (now < held.refusedUntil) {
    return { admitted: false, before: 0, resetIn: held.resetAt - now };
  }
  return now < held.slowUntil && rate.record.on_error === 'open' ? countAlone(held, now) : null;
}

async function decide(asking: Asking): Promise<Verdict> {
  const { call, rate, held } = asking;
  const leased = rate.record.mode === 'leased';
  for (let now = call.runtime.now(), deadline = now + patience; ; now = call.runtime.now()) {
    const known = fromMemory(asking, now);
    if (known !== null) {
      return known;
    }
    const ask = leased && now < deadline ? follow(held, now, patience) : null;
    if (ask === null) {
      return askObject(asking, leased, now);
    }
    // Promises must not cross requests, so a call that waits for another one's answer looks for it by itself.
    for (
      let pause = 1;
      held.ask === ask && held.leases.length === 0 && now < deadline;
      pause = Math.min(pause * 2, 8)
    ) {
      await sleep(pause);
      now = call.runtime.now();
    }
  }
}

async function askObject(asking: Asking, leased: boolean, now: number): Promise<Verdict> {
  const { call, rate, held } = asking;
  const question = leased ? nextQuestion(held, now, false) : exactQuestion(held, now);
  const ask = leased ? announceAsk(held, question, now) : null;
  try {
    const answer = await send(asking, question, now);
    const then = call.runtime.now();
    if (answer.granted > 0) {
      return { admitted: true, before: left(held) + 1, resetIn: held.resetAt - then };
    }
    // Meanwhile another question may have brought a lease.
    return leased && spend(held, then)
      ? { admitted: true, before: left(held) + 1, resetIn: held.resetAt - then }
      : { admitted: false, before: 0, resetIn: answer.resetIn * 1000 };
  } catch (thrown) {
    call.runtime.report('limiter.take', thrown);
    const then = call.runtime.now();
    if (thrown instanceof TooSlow) {
      held.slowUntil = then + slowness;
    }
    if (rate.record.on_error === 'open') {
      return countAlone(held, then);
    }
    throw new ApiError('unavailable', 'The rate limit cannot be checked at the moment', {
      headers: { 'Retry-After': '1' },
      cause: thrown,
    });
  } finally {
    if (held.ask === ask) {
      held.ask = null;
    }
  }
}

/** Asks for the next lease before anybody has to wait for it. */
async function refill(asking: Asking, now: number): Promise<void> {
  const { call, held } = asking;
  const question = nextQuestion(held, now, true);
  const ask = announceAsk(held, question, now);
  try {
    await send(asking, question, now);
  } catch (thrown) {
    call.runtime.report('limiter.take', thrown);
  } finally {
    if (held.ask === ask) {
      held.ask = null;
    }
  }
}

/** Sends a question and takes the answer in. An answer that is late for this call still serves the next ones. */
async function send(asking: Asking, question: WindowQuestion, sent: number): Promise<WindowAnswer> {
  const { call, held, place, object, key } = asking;
  heldRates.delete(place);
  heldRates.set(place, held);
  const answered = call.runtime.env.LIMITER.getByName(object)
    .take({ key, ...question })
    .then((answer) => {
      learn(held, question, answer, sent, call.runtime.now());
      return answer;
    });
  try {
    return await within(answered, patience);
  } catch (thrown) {
    if (thrown instanceof TooSlow) {
      call.runtime.defer(within(answered, lateness).catch(() => {}));
    }
    throw thrown;
  }
}

class TooSlow extends Error {}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooSlow(`No answer within ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** The count of this isolate alone. */
function countAlone(held: HeldRate, now: number): Verdict {
  const { limit, timespan } = held;
  const { state, answer } = take(held.local ?? emptyWindow(timespan), { limit, timespan, want: 1 }, now, 0);
  held.local = state;
  return { admitted: answer.granted > 0, before: answer.remaining + answer.granted, resetIn: answer.resetIn * 1000 };
}

function askingFor(call: Call, rate: ChosenRate, timespan: number): Asking {
  const { userId, appId } = call.caller;
  const { place, object, key } = countingPlace(call.tenant, rate.record.id, { userId, appId, ip: call.ip });
  const now = call.runtime.now();
  let held = heldRates.get(place);
  if (held === undefined) {
    held = holdRate(rate.limit, timespan, now);
    heldRates.set(place, held);
    if (heldRates.size > mostHeld) {
      heldRates.delete(heldRates.keys().next().value!);
    }
  } else if (held.limit !== rate.limit || held.timespan !== timespan) {
    rescale(held, rate.limit, timespan, now);
  }
  return { call, rate, held, place, object, key };
}

/**
 * `t` is the time until capacity returns, but never so short that a client which divides `r` by `t` would find more than
 * the rate (the draft's section on resource exhaustion asks for such a cap).
 */
function tell(call: Call, { record, limit, item }: ChosenRate, window: number, verdict: Verdict): void {
  const before = Math.max(0, Math.min(limit, verdict.before));
  const remaining = verdict.admitted ? Math.max(0, before - 1) : 0;
  const reset = Math.max(seconds(verdict.resetIn), limit > 0 ? Math.ceil((remaining * window) / limit) : 0);
  call.quota = { name: record.name, limit, remaining, reset, window };
  call.headers.set('RateLimit-Policy', `${item};q=${limit};w=${window}`);
  call.headers.set('RateLimit', `${item};r=${remaining};t=${reset}`);
  call.headers.set('RateLimit-Limit', String(limit));
  call.headers.set('RateLimit-Remaining', String(before));
}

/** Whole seconds, at least one. */
function seconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}
