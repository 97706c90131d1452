import { createCatalog } from './api/index.ts';
import { ApiError } from './core/errors.ts';
import type { Egress } from './core/ports.ts';
import type { Runtime } from './core/runtime.ts';
import type { Env } from './env.ts';
import { createObserver } from './gateway/observe.ts';
import { createEgress, EgressError } from './lib/egress.ts';
import { type AllowList, parseAllowList } from './lib/egress-address.ts';
import { createPublishing } from './snapshot/current.ts';

const system = createCatalog();

let allowed: { text: string | undefined; list: AllowList } | undefined;

/** What one request, or one run of the trigger, may use of the outside world. */
export function createRuntime(
  env: Env,
  context: Pick<ExecutionContext, 'waitUntil'>,
  request: Request | null,
): Runtime {
  const now = () => Date.now();
  const observer = createObserver({ env, now, defer: (work) => context.waitUntil(work) });
  const defer = (work: Promise<unknown>) => context.waitUntil(work.catch((thrown) => report('deferred', thrown)));
  const report = (place: string, thrown: unknown) =>
    observer.observe({
      kind: 'fault',
      tenant: '',
      at: now(),
      place,
      message: thrown instanceof Error ? thrown.message : String(thrown),
      trace: thrown instanceof Error ? (thrown.stack ?? null) : null,
      requestId: null,
    });
  return {
    env,
    now,
    observer,
    defer,
    report,
    system,
    publishing: createPublishing(env),
    egress: egressFor(env, request),
  };
}

/** The egress guard as rooms see it: its refusals are errors of the API. */
function egressFor(env: Env, request: Request | null): Egress {
  if (allowed === undefined || allowed.text !== env.EGRESS_ALLOW) {
    allowed = { text: env.EGRESS_ALLOW, list: parseAllowList(env.EGRESS_ALLOW) };
  }
  const ownHosts = [request?.url, env.PUBLIC_URL].flatMap((url) => (url ? [new URL(url).host] : []));
  const guard = createEgress({
    allow: allowed.list,
    ownHosts,
    fetch: (input, init) => fetch(input, init),
    cdnLoop: request?.headers.get('cdn-loop'),
  });
  return {
    async fetch(url, init, options) {
      try {
        return await guard.fetch(url, init, options);
      } catch (thrown) {
        throw thrown instanceof EgressError ? egressError(thrown) : thrown;
      }
    },
  };
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
