import type { Call } from '../core/call.ts';
import { applyPreflight } from './cors.ts';

/** The answer to OPTIONS: 200 and empty, with the path's methods and what a browser may send. It reaches no action. */
export function preflight(call: Call): Response {
  const headers = new Headers();
  const { segments } = call.path;
  const allow = allowed(call, segments);
  applyPreflight(headers, call.request.headers, allow, call.operation?.options?.cors ?? null);
  call.headers.forEach((value, name) => {
    if (!headers.has(name)) {
      headers.set(name, value);
    }
  });
  return new Response(null, { status: 200, headers });
}

/** A method that no operation has makes the routers list those of the path. */
function allowed(call: Call, segments: readonly string[]): string[] {
  for (const router of [call.runtime.system, call.snapshot]) {
    const match = router.match('PREFLIGHT', segments);
    if (!match.found && match.allow.length > 0) {
      return match.allow;
    }
  }
  return [];
}
