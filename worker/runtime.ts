import { createCatalog } from './api/index.ts';
import { ApiError } from './core/errors.ts';
import type { Dispatcher } from './core/events.ts';
import type { Egress, Publishing } from './core/ports.ts';
import type { Runtime } from './core/runtime.ts';
import type { Env } from './env.ts';
import { createDispatcher } from './events/dispatch.ts';
import { createObserver } from './gateway/observe.ts';
import { createEgress, type EgressError, type EgressSettings } from './lib/egress.ts';
import { type AllowList, parseAllowList } from './lib/egress-address.ts';
import { requestUrl } from './lib/request-url.ts';
import { createPublishing } from './snapshot/current.ts';

const system = createCatalog();

const now = () => Date.now();

/** What one request, or one run of the trigger, may use of the outside world. Faults are told to `tenant`. */
export function createRuntime(
  env: Env,
  context: Pick<ExecutionContext, 'waitUntil'>,
  request: Request | null,
  tenant = '',
): Runtime {
  const observer = createObserver({ env, now, defer: (work) => context.waitUntil(work) });
  const defer = (work: Promise<unknown>) => context.waitUntil(work.catch((thrown) => report('deferred', thrown)));
  const report = (place: string, thrown: unknown) =>
    observer.observe({
      kind: 'fault',
      tenant,
      at: now(),
      place,
      message: thrown instanceof Error ? thrown.message : String(thrown),
      trace: thrown instanceof Error ? (thrown.stack ?? null) : null,
      requestId: null,
    });
  const { publishing, dispatcher } = portsOf(env);
  let guard: Egress | undefined;
  return {
    env,
    now,
    observer,
    defer,
    report,
    system,
    publishing,
    dispatcher,
    egress: {
      // Most calls that are refused, and all that answer by themselves, need none.
      fetch: (url, init, options) => (guard ??= egressFor(env, request)).fetch(url, init, options),
    },
  };
}

let ports: { env: Env; publishing: Publishing; dispatcher: Dispatcher } | undefined;

/** What knows nothing of a single request. */
function portsOf(env: Env) {
  if (ports?.env !== env) {
    ports = { env, publishing: createPublishing(env), dispatcher: createDispatcher(env, now) };
  }
  return ports;
}

/** The egress guard as rooms see it: its refusals are errors of the API. */
function egressFor(env: Env, request: Request | null): Egress {
  return createEgress({
    ...guardOf(env, request === null ? null : requestUrl(request.url).host),
    fetch: (input, init) => fetch(input, init),
    cdnLoop: request?.headers.get('cdn-loop'),
    asError: egressError,
  });
}

type Guard = Required<Pick<EgressSettings, 'allow' | 'ownHosts' | 'allowed'>>;

/** By the host that requests name, and the environment's words on it: what the guard is made of stays the same. */
let guards: { env: Env; list: AllowList; byHost: Map<string, Guard> } | undefined;

function guardOf(env: Env, host: string | null): Guard {
  if (guards?.env !== env) {
    guards = { env, list: parseAllowList(env.EGRESS_ALLOW), byHost: new Map() };
  }
  const { list, byHost } = guards;
  let guard = byHost.get(host ?? '');
  if (guard === undefined) {
    const publicHost = env.PUBLIC_URL ? new URL(env.PUBLIC_URL).host : null;
    const ownHosts = [host, publicHost].filter((own) => own !== null);
    guard = { allow: list, ownHosts, allowed: new Set() };
    if (byHost.size >= 100) {
      byHost.clear();
    }
    byHost.set(host ?? '', guard);
  }
  return guard;
}

function egressError(thrown: EgressError): ApiError {
  const codes = {
    denied: 'egress_denied',
    timeout: 'upstream_timeout',
    unreachable: 'bad_gateway',
    loop: 'loop_detected',
  } as const;
  const code = codes[thrown.reason as keyof typeof codes] ?? 'bad_gateway';
  return new ApiError(code, undefined, { cause: thrown });
}
