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
  /** What is thrown in place of an EgressError; that one itself unless given. */
  asError?(refusal: EgressError): Error;
  /** Where origins that the guard lets through are remembered, for as long as `allow` and `ownHosts` stay the same. */
  allowed?: Set<string>;
}

/**
 * Makes the one door to the outside for a request. The target is checked, redirects are never followed (a target that
 * passed the guard cannot send us to one that would not), and the headers of the answer are waited for no longer than the
 * timeout. Loops are seen by `CDN-Loop` (RFC 8586), which carries one `postern` for each gateway passed. A `Headers` object
 * that is handed in belongs to the guard from then on, which changes it; the same one may be sent again.
 */
export function createEgress(settings: EgressSettings): GuardedFetch {
  const { asError = (refusal) => refusal } = settings;
  const prepared: Headers[] = [];
  return {
    fetch(url, init = {}, options = {}) {
      try {
        const target = check(url, settings);
        const headers = init.headers instanceof Headers ? init.headers : new Headers(init.headers);
        if (!prepared.includes(headers)) {
          prepare(headers, settings);
          prepared.push(headers);
        }
        return send({ ...init, headers, redirect: 'manual' }, target, options, settings.fetch, asError);
      } catch (thrown) {
        return Promise.reject(thrown instanceof EgressError ? asError(thrown) : thrown);
      }
    },
  };
}

const hopName = 'postern';

/** The beginning of a URL whose host the parser reads as it is written, up to the path. */
const plainOrigin = /^https?:\/\/[a-z0-9.-]+(?::\d+)?(?=\/)/;

/** Gives the URL that may be called; throws when it may not. Verdicts on plain origins are remembered. */
function check(url: string | URL, settings: EgressSettings): string | URL {
  const origin = typeof url === 'string' ? plainOrigin.exec(url)?.[0] : undefined;
  if (origin === undefined) {
    return judge(url, settings);
  }
  const { allowed } = settings;
  if (allowed?.has(origin) !== true) {
    judge(`${origin}/`, settings);
    if (allowed !== undefined && allowed.size >= 1000) {
      allowed.clear();
    }
    allowed?.add(origin);
  }
  return url;
}

function judge(url: string | URL, { allow, ownHosts }: EgressSettings): URL {
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

/** Our own rules: one hop more, and a host that the URL alone decides. */
function prepare(headers: Headers, { cdnLoop, maxHops = 3 }: EgressSettings): void {
  const passed = cdnLoop ?? headers.get('cdn-loop') ?? '';
  const hops = passed === '' ? 0 : countHops(passed);
  if (hops >= maxHops) {
    throw new EgressError('loop', `The request passed ${hops} gateways already`);
  }
  if (headers.has('host')) {
    headers.delete('host');
  }
  headers.set('cdn-loop', passed === '' ? hopName : `${passed}, ${hopName}`);
}

/** How many of a `CDN-Loop` header's elements are ours; their parameters do not count. */
function countHops(cdnLoop: string): number {
  return cdnLoop.split(',').filter((element) => element.split(';', 1)[0]!.trim().toLowerCase() === hopName).length;
}

function send(
  init: RequestInit,
  target: string | URL,
  { timeout = 30_000, signal }: EgressOptions,
  doFetch: typeof fetch,
  asError: (refusal: EgressError) => Error,
): Promise<Response> {
  const outer = init.signal != null || signal != null ? [init.signal, signal].filter((given) => given != null) : none;
  if (outer !== none && outer.some((given) => given.aborted)) {
    throw abortion(outer);
  }
  // Settled by whatever comes first, because it is not sure that every fetch heeds its signal.
  return new Promise<Response>((answer, fail) => {
    // A signal costs the platform a wrapper around the answer. What only time ends needs none: the request ends with the call.
    const controller = outer.length > 0 ? new AbortController() : null;
    let settled = false;
    const settle = () => {
      settled = true;
      clearTimeout(timer);
    };
    const end = (error: EgressError) => {
      settle();
      fail(asError(error));
      controller?.abort(error);
    };
    const abort = () => end(abortion(outer));
    const timer = setTimeout(
      () => end(new EgressError('timeout', `The target gave no answer within ${timeout} ms`)),
      Math.min(timeout, 0x7fffffff),
    );
    // They stay after the headers, so that the signals end the body too.
    for (const given of outer) {
      given.addEventListener('abort', abort, { once: true });
    }
    const arrived = (response: Response) => {
      if (settled) {
        response.body?.cancel().catch(() => {});
      } else {
        settle();
        answer(response);
      }
    };
    const failed = (thrown: unknown) => {
      settle();
      const refused = thrown instanceof EgressError;
      const error = refused ? thrown : new EgressError('unreachable', 'The target could not be reached', null, thrown);
      fail(asError(error));
      for (const given of outer) {
        given.removeEventListener('abort', abort);
      }
    };
    try {
      doFetch(target, controller === null ? init : { ...init, signal: controller.signal }).then(arrived, failed);
    } catch (thrown) {
      failed(thrown);
    }
  });
}

const none: AbortSignal[] = [];

function abortion(signals: AbortSignal[]): EgressError {
  const reason: unknown = signals.find((signal) => signal.aborted)?.reason;
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? new EgressError('timeout', 'The time for the request was over', null, reason)
    : new EgressError('aborted', 'The request was given up', null, reason);
}
