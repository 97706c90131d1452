import type { Reading } from './past.ts';

// What goes wrong, and the book of everything that was called. Plain data of one isolate, steered by entry.ts.

/** One call of a binding, before it runs. */
export interface BindingCall {
  /** `DB`, `CONTENT`, `LIMITER`, …; `fetch` for outbound HTTP, `caches` for the Cache API. */
  binding: string;
  /** D1: first, run, all, raw, batch, exec. KV: get, put, … Objects: the RPC method. fetch: the HTTP method. */
  method: string;
  /** What it is about: the SQL (of a batch: all of it), the key, the object's name, the URL. */
  subject: string;
  /** Who calls: `worker`, or the class of a Durable Object. */
  from: string;
}

/** What shall go wrong. A call is matched by the members given; the first fault that matches and is due happens. */
export interface Fault {
  /** `*` for every binding. */
  binding: string;
  method?: string;
  /** A part of the subject. */
  subject?: string;
  from?: string;
  /**
   * `throw`: fails before anything happens. `lose`: happens, and then the reply is lost. `hang`: happens never; fails
   * after `delay` (30,000 ms, as the platform gives up). `delay`: happens after `delay`. `twice`: happens twice. `stale`: a
   * read of KV, the Cache API or D1 is answered as this isolate's last one of the same was, or with a miss (past.ts);
   * other calls never match.
   */
  mode: 'throw' | 'lose' | 'hang' | 'delay' | 'twice' | 'stale';
  /** The first matching call that it happens to, from 1; with `nth` alone it happens once, with neither always. */
  nth?: number;
  /** How often it happens. */
  times?: number;
  /** A name from `messages`, or a text; by default the binding's most ordinary failure. */
  message?: string;
  /** Milliseconds, for `hang` and `delay`. */
  delay?: number;
}

/** What the platform says, by a name for use in tests. The flags are those it sets on errors of Durable Objects. */
export const messages: Record<string, { message: string; retryable?: boolean; overloaded?: boolean }> = {
  'd1.lost': { message: 'D1_ERROR: Network connection lost.' },
  'd1.reset': { message: 'D1_ERROR: Internal error in D1 DB storage caused object to be reset.' },
  'd1.updated': { message: 'D1_ERROR: D1 DB reset because its code was updated.' },
  'd1.unresolved': { message: 'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.' },
  'd1.overloaded': { message: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' },
  'd1.crowded': { message: 'D1_ERROR: D1 DB is overloaded. Too many requests queued.' },
  'd1.memory': { message: "D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset." },
  'd1.cpu': { message: 'D1_ERROR: D1 DB exceeded its CPU time limit and was reset.' },
  'd1.timeout': { message: 'D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.' },
  'object.lost': { message: 'Network connection lost.', retryable: true },
  'object.updated': { message: 'Durable Object reset because its code was updated.', retryable: true },
  'object.overloaded': { message: 'Durable Object is overloaded. Requests queued for too long.', overloaded: true },
  'object.timeout': {
    message: 'Durable Object storage operation exceeded timeout which caused object to be reset.',
    retryable: true,
  },
  'kv.error': { message: 'KV GET failed: 500 Internal Server Error' },
  'kv.crowded': { message: 'KV PUT failed: 429 Too Many Requests' },
  'fetch.lost': { message: 'Network connection lost.' },
  internal: { message: 'internal error' },
};

export interface FaultState {
  faults: Fault[];
  /** How often each fault happened. */
  happened: number[];
  /** The calls that they happened to, in order, up to `bookSize`. */
  hits: BindingCall[];
  /** Calls since the plan was set, by `BINDING.method`. */
  counts: Record<string, number>;
  /** The calls themselves, in order, up to `bookSize`. */
  calls: BindingCall[];
}

const bookSize = 5_000;
let faults: (Fault & { seen: number; happened: number })[] = [];
let counts: Record<string, number> = {};
let calls: BindingCall[] = [];
let hits: BindingCall[] = [];

/** Replaces the plan and opens a new book. */
export function setFaults(plan: Fault[]): void {
  faults = plan.map((fault) => ({ ...fault, seen: 0, happened: 0 }));
  counts = {};
  calls = [];
  hits = [];
}

export function faultState(): FaultState {
  return {
    faults: faults.map(({ seen: _seen, happened: _happened, ...fault }) => fault),
    happened: faults.map((fault) => fault.happened),
    hits,
    counts,
    calls,
  };
}

/** Notes the call and lets it happen as the plan says. `reading` is given for a read that can be stale. */
export async function guard<T>(call: BindingCall, run: () => T | Promise<T>, reading?: Reading<T>): Promise<T> {
  const fault = due(call, reading !== undefined);
  switch (fault?.mode) {
    case 'throw':
      throw failure(call, fault);
    case 'lose':
      await run();
      throw failure(call, fault);
    case 'hang':
      await sleep(fault.delay ?? 30_000);
      throw failure(call, { ...fault, message: fault.message ?? timeouts[kind(call)] });
    case 'delay':
      await sleep(fault.delay ?? 1_000);
      return run();
    case 'twice':
      await run();
      return run();
    case 'stale':
      return reading!.stale();
    default:
      return reading === undefined ? run() : reading.run();
  }
}

/** The same for a binding that answers at once; a call that cannot wait does not hang. */
export function guardNow<T>(call: BindingCall, run: () => T): T {
  const fault = due(call, false);
  if (fault?.mode === 'throw') {
    throw failure(call, fault);
  }
  const result = run();
  if (fault?.mode === 'lose') {
    throw failure(call, fault);
  }
  return fault?.mode === 'twice' ? run() : result;
}

function due(call: BindingCall, canBeStale: boolean): Fault | undefined {
  const name = `${call.binding}.${call.method}`;
  counts[name] = (counts[name] ?? 0) + 1;
  if (calls.length < bookSize) {
    calls.push(call);
  }
  let found: Fault | undefined;
  for (const fault of faults) {
    if (!matches(fault, call) || (fault.mode === 'stale' && !canBeStale)) {
      continue;
    }
    fault.seen += 1;
    const times = fault.times ?? (fault.nth === undefined ? Number.POSITIVE_INFINITY : 1);
    if (found === undefined && fault.seen >= (fault.nth ?? 1) && fault.happened < times) {
      fault.happened += 1;
      found = fault;
    }
  }
  if (found !== undefined && hits.length < bookSize) {
    hits.push(call);
  }
  return found;
}

function matches(fault: Fault, call: BindingCall): boolean {
  return (
    (fault.binding === '*' || fault.binding === call.binding) &&
    (fault.method === undefined || fault.method === call.method) &&
    (fault.subject === undefined || call.subject.includes(fault.subject)) &&
    (fault.from === undefined || fault.from === call.from)
  );
}

type Kind = 'd1' | 'kv' | 'fetch' | 'object' | 'other';
const usual: Record<Kind, string> = {
  d1: 'd1.lost',
  kv: 'kv.error',
  fetch: 'fetch.lost',
  object: 'object.lost',
  other: 'internal',
};
const timeouts: Record<Kind, string> = { ...usual, d1: 'd1.timeout', object: 'object.timeout' };

function failure(call: BindingCall, fault: Fault): Error {
  const name = fault.message ?? usual[kind(call)];
  const { message, ...flags } = messages[name] ?? { message: name };
  return Object.assign(new Error(message), flags);
}

const kinds = new Map<string, Kind>([['fetch', 'fetch']]);

/** Says what kind of thing a binding is, so that it fails in its own words. */
export function setKind(binding: string, what: Kind): void {
  kinds.set(binding, what);
}

function kind(call: BindingCall): Kind {
  return kinds.get(call.binding) ?? 'other';
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
