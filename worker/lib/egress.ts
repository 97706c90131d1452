import { type AllowList, checkTarget, type TargetRefusal } from './egress-address.ts';

/** Why an outbound request failed. */
export type EgressReason =
  /** The guard does not let the request go there: `detail` says why, for the administrator and not for the caller. */
  | 'denied'
  /** The target gave no headers in time. */
  | 'timeout'
  /** No connection, no valid answer. */
  | 'unreachable'
  /** The request came through this gateway too often already. */
  | 'loop'
  /** The signal that was handed in ended the request. */
  | 'aborted';

/** The only thing that an egress throws; `cause` is what the platform's fetch threw. */
export class EgressError extends Error {
  readonly reason: EgressReason;
  readonly detail: TargetRefusal | 'url' | null;

  constructor(reason: EgressReason, message: string, detail: TargetRefusal | 'url' | null = null, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EgressError';
    this.reason = reason;
    this.detail = detail;
  }
}

export interface EgressOptions {
  /** Milliseconds until the answer's headers (default 30,000). */
  timeout?: number;
  /** Ends the request, and the answer's body after it. */
  signal?: AbortSignal;
}

/** Outbound HTTP behind the guard. */
export interface GuardedFetch {
  /** Throws EgressError. The answer's status is not judged: a redirect comes back as it is. */
  fetch(url: string | URL, init?: RequestInit, options?: EgressOptions): Promise<Response>;
}

export interface EgressSettings {
  allow: AllowList;
  /** Hosts under which the gateway itself is reached (see checkTarget). */
  ownHosts: readonly string[];
  fetch: typeof fetch;
  /** `CDN-Loop` of the request that is being served; absent outside HTTP. */
  cdnLoop?: string | null;
  /** How often a request may pass gateways of this kind (default 3). */
  maxHops?: number;
}

/**
 * Makes the one door to the outside for a request. The target is checked, redirects are never followed (a target that
 * passed the guard cannot send us to one that would not), and the headers of the answer are waited for no longer than the
 * timeout. Loops are seen by `CDN-Loop` (RFC 8586), which carries one `postern` for each gateway passed.
 */
export function createEgress(settings: EgressSettings): GuardedFetch {
  return {
    async fetch(url, init = {}, options = {}) {
      const target = check(url, settings);
      const request = prepare(init, settings);
      return send(settings.fetch, target, request, options);
    },
  };
}

const hopName = 'postern';

function check(url: string | URL, { allow, ownHosts }: EgressSettings): URL {
  const target = URL.parse(String(url));
  if (target === null) {
    throw new EgressError('denied', 'The target is no valid absolute URL', 'url');
  }
  const result = checkTarget(target, allow, ownHosts);
  if (!result.ok) {
    throw new EgressError(
      'denied',
      `The target ${target.protocol}//${target.host} is refused: ${result.reason}`,
      result.reason,
    );
  }
  return target;
}

/** The same request with our own rules: no redirects, one hop more, and a host that the URL alone decides. */
function prepare(init: RequestInit, { cdnLoop, maxHops = 3 }: EgressSettings): RequestInit {
  const headers = new Headers(init.headers);
  const passed = cdnLoop ?? headers.get('cdn-loop') ?? '';
  const hops = countHops(passed);
  if (hops >= maxHops) {
    throw new EgressError('loop', `The request passed ${hops} gateways already`);
  }
  headers.delete('host');
  headers.set('cdn-loop', passed === '' ? hopName : `${passed}, ${hopName}`);
  return { ...init, headers, redirect: 'manual' };
}

/** How many of a `CDN-Loop` header's elements are ours; their parameters do not count. */
function countHops(cdnLoop: string): number {
  return cdnLoop.split(',').filter((element) => element.split(';', 1)[0]!.trim().toLowerCase() === hopName).length;
}

async function send(doFetch: typeof fetch, target: URL, init: RequestInit, options: EgressOptions): Promise<Response> {
  const { timeout = 30_000 } = options;
  const outer = [init.signal, options.signal].filter((signal) => signal != null);
  const controller = new AbortController();
  const ended = Promise.withResolvers<never>();
  const end = (error: EgressError) => {
    ended.reject(error);
    controller.abort(error);
  };
  const abort = () => end(abortion(outer));
  if (outer.some((signal) => signal.aborted)) {
    throw abortion(outer);
  }
  // They stay after the headers, so that the signals end the body too.
  for (const signal of outer) {
    signal.addEventListener('abort', abort, { once: true });
  }
  const timer = setTimeout(
    () => end(new EgressError('timeout', `The target gave no answer within ${timeout} ms`)),
    Math.min(timeout, 0x7fffffff),
  );
  const answer = (async () => doFetch(target, { ...init, signal: controller.signal }))();
  try {
    // A race, because it is not sure that every fetch heeds its signal.
    return await Promise.race([ended.promise, answer]);
  } catch (thrown) {
    for (const signal of outer) {
      signal.removeEventListener('abort', abort);
    }
    answer.then((late) => late.body?.cancel()).catch(() => {});
    if (thrown instanceof EgressError) {
      throw thrown;
    }
    throw controller.signal.reason instanceof EgressError
      ? controller.signal.reason
      : new EgressError('unreachable', 'The target could not be reached', null, thrown);
  } finally {
    clearTimeout(timer);
  }
}

function abortion(signals: AbortSignal[]): EgressError {
  const reason: unknown = signals.find((signal) => signal.aborted)?.reason;
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? new EgressError('timeout', 'The time for the request was over', null, reason)
    : new EgressError('aborted', 'The request was given up', null, reason);
}
