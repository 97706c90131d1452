/**
 * The arithmetic of a rate: at most `limit` calls in any window of `timespan` seconds. No I/O and no clock: state,
 * question and moment go in, state and answer come out.
 *
 * Why never over. Every granted call has a moment after which it cannot be used any more: the moment of the grant for
 * the call that waits, the end of the lease for the others, the moment of its use once that is known by a settlement. It is
 * counted from its grant until that moment plus the timespan. Take any window and, of the grants that are used in it, the
 * latest: at that grant all the others were still counted, so together they were within the limit. Between a decision and
 * its effect some time passes, so each moment has an allowance of 100 ms (`admissionLag`: a slice, if that is less).
 *
 * How late. Moments are rounded up to the end of their slice, a sixtieth of the timespan. So capacity returns up to one slice
 * plus the allowance late, and calls of a lease that nobody settles up to `leaseSpan` later still. Therefore, without a
 * crash, a refusal means: the calls used in the last timespan + slice + allowance + leaseSpan, and the unused ones of leases
 * that were not settled, make up the limit. At an exact rate the last two terms vanish.
 *
 * Crashes. `persist` asks for a write before the answer leaves. What is written counts a reserve as used that is not handed
 * out yet, so that most grants need no write. So a crash forfeits at most the reserve (`blockSize`), and what settlements
 * since the last write gave back or moved to an earlier moment.
 *
 * Limit and timespan come with each question, so a change holds at once: no window exceeds the larger limit, and none that
 * begins after the leases of the old one have ended exceeds the new one. Of a longer timespan, calls that had left the
 * shorter one are not known any more.
 */

/** What is asked of a window. */
export interface WindowQuestion {
  /** Calls admitted in any window of `timespan`. */
  limit: number;
  /** Seconds. */
  timespan: number;
  /** Most calls wanted, 1 for an exact rate. */
  want: number;
  /** Calls a second that the asker saw of late; a lease holds what it needs at that pace. Unknown: what is wanted. */
  pace?: number;
  /** True when no call is waiting: a refill, granted only out of plenty. */
  ahead?: boolean;
  /** Leases that the asker is done with. */
  settle?: readonly Settlement[];
}

/** What became of a lease: from here on its holder admits nothing with it. */
export interface Settlement {
  lease: number;
  /** Calls that were used, by how many milliseconds ago at the latest: [ago, calls]. */
  used: readonly (readonly [number, number])[];
}

export interface WindowAnswer {
  /** Calls granted, 0 … want. Unless asked `ahead`, the first is the waiting call's, admitted at once; the others are the lease. */
  granted: number;
  /** What is left after this grant, calls. */
  remaining: number;
  /** Seconds, counted from before the question was sent, until unused calls of the lease are void; 0 without a lease. */
  expiresIn: number;
  /** Seconds until capacity returns (for `Retry-After` and the reset parameter); after a refusal: until one call fits. */
  resetIn: number;
  /** After a refusal: seconds in which asking again is pointless. */
  askAgainIn: number;
  /** Names the lease when it is settled; 0 without a lease. */
  lease: number;
}

export interface WindowState {
  /** Seconds, as asked last. */
  timespan: number;
  /** Counted calls by the end of the slice in which they become void, oldest first: [milliseconds since the epoch, calls]. */
  slices: readonly (readonly [number, number])[];
  /** Calls persisted as used that are not handed out yet, and the end of the latest slice they may become void in. */
  reserve: { calls: number; end: number };
  /** Leases that can still be settled. Memory only: after a crash they stay counted in full. */
  leases: readonly { id: number; end: number; calls: number }[];
}

export interface WindowStep {
  state: WindowState;
  answer: WindowAnswer;
  /** The state must be durable before the answer leaves. */
  persist: boolean;
  /** Calls that settled leases gave back. */
  returned: number;
}

/** Longest allowance for what passes between a decision and its effect, milliseconds. */
const mostLag = 100;
/** A lease shorter than this is not worth its bookkeeping, milliseconds. */
const shortestLease = 20;
/** Lease records kept per window; older ones merely cannot be settled any more. */
const mostLeases = 64;

const noLease = { calls: 0, duration: 0 };

export function emptyWindow(timespan: number): WindowState {
  return { timespan, slices: [], reserve: { calls: 0, end: 0 }, leases: [] };
}

/** The longest lease of a rate, milliseconds: a quarter of the timespan, at most two minutes. */
export function leaseSpan(timespan: number): number {
  return Math.min(timespan * 250, 120_000);
}

/** Width of a slice, milliseconds. */
export function sliceWidth(timespan: number): number {
  return Math.ceil((timespan * 1000) / 60);
}

/** What may pass between a decision and its effect (answers travel, a Worker's clock stands still between I/O), milliseconds. */
export function admissionLag(timespan: number): number {
  return Math.min(mostLag, sliceWidth(timespan));
}

/** Calls that one write covers in advance, which is what a crash forfeits. */
export function blockSize(limit: number): number {
  return Math.min(1000, Math.floor(limit / 64));
}

/** Decides one question at the moment `now` (milliseconds since the epoch); `leaseId` names the lease, should there be one. */
export function take(before: WindowState, question: WindowQuestion, now: number, leaseId: number): WindowStep {
  const { limit, timespan } = question;
  const changed = before.timespan !== timespan;
  const { state, returned } = settled(advanced(before, timespan, now), question, now);

  const counted = sum(state.slices);
  const free = Math.max(0, limit - counted);
  const waiting = question.ahead ? 0 : 1;
  const lease = free < waiting ? noLease : leaseOf(question, free - waiting);
  const granted = free < waiting ? 0 : waiting + lease.calls;
  if (granted === 0) {
    const resetIn = untilFree(state, counted, limit, now);
    const askAgainIn = state.leases.length > 0 ? Math.min(resetIn, 1) : resetIn;
    const answer = { granted, remaining: free, expiresIn: 0, resetIn, askAgainIn, lease: 0 };
    return { state, answer, persist: changed, returned };
  }

  const lag = admissionLag(timespan);
  const later = sliceEnd(now + lag + lease.duration, timespan);
  let { slices, leases, reserve } = state;
  if (waiting > 0) {
    slices = add(slices, sliceEnd(now + lag, timespan), waiting);
  }
  if (lease.calls > 0) {
    slices = add(slices, later, lease.calls);
    leases = [...leases.slice(1 - mostLeases), { id: leaseId, end: later, calls: lease.calls }];
  }
  const covered = reserve.calls >= granted && reserve.end >= later;
  reserve = covered
    ? { calls: reserve.calls - granted, end: reserve.end }
    : {
        calls: Math.min(blockSize(limit), free - granted),
        end: later + 2 * sliceWidth(timespan),
      };
  const next = { timespan, slices, reserve, leases };
  const answer = {
    granted,
    remaining: free - granted,
    expiresIn: lease.calls > 0 ? lease.duration / 1000 : 0,
    resetIn: secondsUntil(slices[0]![0] + timespan * 1000, now),
    askAgainIn: 0,
    lease: lease.calls > 0 ? leaseId : 0,
  };
  return { state: next, answer, persist: changed || !covered, returned };
}

/** What a crash leaves of a persisted state: its reserve counts as used, its leases cannot be settled. */
export function recovered(persisted: WindowState): WindowState {
  const { timespan, reserve } = persisted;
  const slices = reserve.calls > 0 ? add(persisted.slices, reserve.end, reserve.calls) : persisted.slices;
  return { timespan, slices, reserve: { calls: 0, end: 0 }, leases: [] };
}

/** The moment from which on a window (and what is persisted of it) says nothing any more, milliseconds since the epoch. */
export function spentAt(state: WindowState): number {
  const last = Math.max(state.slices.at(-1)?.[0] ?? 0, state.reserve.calls > 0 ? state.reserve.end : 0);
  return last === 0 ? 0 : last + state.timespan * 1000;
}

/**
 * The lease out of `room` calls: the fuller the window, the smaller and the shorter, down to none. It holds the calls of its
 * duration at the asker's pace (at least a 256th of the limit in an empty window), at most an eighth of the room.
 */
export function leaseOf(question: WindowQuestion, room: number): { calls: number; duration: number } {
  const { limit, want, pace = Number.POSITIVE_INFINITY, ahead } = question;
  const share = room / limit;
  const duration = Math.floor(leaseSpan(question.timespan) * share);
  const needed = Math.max((pace * duration) / 1000, (limit / 256) * share);
  const calls = Math.floor(Math.min(want - (ahead ? 0 : 1), needed, room / 8));
  return duration < shortestLease || calls < 1 ? noLease : { calls, duration };
}

/** The end of the slice that a moment is in. */
function sliceEnd(moment: number, timespan: number): number {
  const width = sliceWidth(timespan);
  return (Math.floor(moment / width) + 1) * width;
}

function secondsUntil(moment: number, now: number): number {
  return Math.max(0, moment - now) / 1000;
}

function sum(slices: WindowState['slices']): number {
  let calls = 0;
  for (const slice of slices) {
    calls += slice[1];
  }
  return calls;
}

function add(slices: WindowState['slices'], end: number, calls: number): WindowState['slices'] {
  const at = slices.findLastIndex((slice) => slice[0] <= end);
  const found = slices[at];
  if (calls === 0) {
    return slices;
  }
  if (found?.[0] !== end) {
    return slices.toSpliced(at + 1, 0, [end, calls]);
  }
  const total = found[1] + calls;
  return total > 0 ? slices.with(at, [end, total]) : slices.toSpliced(at, 1);
}

/** Forgets the slices that no window ending now can reach. */
function advanced(state: WindowState, timespan: number, now: number): WindowState {
  const reach = now - timespan * 1000;
  const first = state.slices[0];
  if (first === undefined || first[0] > reach) {
    return state.timespan === timespan ? state : { ...state, timespan };
  }
  return {
    timespan,
    slices: state.slices.filter((slice) => slice[0] > reach),
    reserve: state.reserve,
    leases: state.leases.filter((lease) => lease.end > reach),
  };
}

/** Counts what was used of a lease from when it was used on, and takes the rest back. */
function settled(state: WindowState, question: WindowQuestion, now: number): { state: WindowState; returned: number } {
  if (question.settle === undefined || question.settle.length === 0) {
    return { state, returned: 0 };
  }
  let { slices, leases } = state;
  let returned = 0;
  for (const { lease: id, used } of question.settle) {
    const lease = leases.find((one) => one.id === id);
    if (lease === undefined) {
      continue; // settled before, or of a former life: it stays counted as it is
    }
    leases = leases.filter((one) => one !== lease);
    slices = add(slices, lease.end, -lease.calls);
    let left = lease.calls;
    for (const [ago, calls] of used) {
      const end = Math.min(lease.end, sliceEnd(now - ago + mostLag, state.timespan));
      slices = add(slices, end, Math.min(calls, left));
      left -= Math.min(calls, left);
    }
    returned += left;
  }
  return { state: advanced({ ...state, slices, leases }, state.timespan, now), returned };
}

/** Seconds until one call fits, which after a lowered limit may take more than the first slice. */
function untilFree(state: WindowState, counted: number, limit: number, now: number): number {
  let left = counted;
  for (const [end, calls] of state.slices) {
    left -= calls;
    if (left < limit) {
      return secondsUntil(end + state.timespan * 1000, now);
    }
  }
  return state.timespan;
}
