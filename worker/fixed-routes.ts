import { Router } from 'itty-router';
import { health } from './api/system/health.ts';
import { setup } from './api/system/setup.ts';
import { apiCatalog, catalogType, securityText } from './api/system/well-known.ts';
import { baseUrlOf } from './core/base-url.ts';
import type { Call } from './core/call.ts';
import { ApiError } from './core/errors.ts';
import type { Snapshot } from './core/snapshot.ts';
import { applyCors } from './gateway/cors.ts';
import { contextOf, type OAuthContext } from './oauth/context.ts';
import { authorizationServer, openidConfiguration, protectedResource } from './oauth/discovery.ts';
import { publicKeys } from './oauth/keys.ts';
import { tokenEndpoint } from './oauth/token-endpoint.ts';

/** What a fixed route gets beside the request. */
export interface FixedRoute {
  /** The call as it is observed; it has no operation. */
  call: Call;
  /** Loads the configuration; a route that needs none answers without it. */
  snapshot(): Promise<Snapshot>;
}

/** Paths below these are routed here first; everything else goes straight to the operations. */
const prefixes = ['/authorization/token', '/.well-known/', '/system/health', '/system/setup', '/robots.txt'];

export function isFixed(pathname: string): boolean {
  return prefixes.some((prefix) => pathname.startsWith(prefix));
}

const router = Router<Request, [FixedRoute]>();

router
  .post('/authorization/token', async (request, route) => tokenEndpoint(request, await oauthContext(route)))
  .get('/.well-known/jwks.json', async (_request, route) => cached(publicKeys(await route.snapshot())))
  .get('/.well-known/oauth-authorization-server', async (_request, route) =>
    cached(await authorizationServer(await oauthContext(route))),
  )
  .get('/.well-known/openid-configuration', async (_request, route) =>
    cached(await openidConfiguration(await oauthContext(route))),
  )
  .get('/.well-known/oauth-protected-resource', async (_request, route) =>
    cached(await protectedResource(await oauthContext(route))),
  )
  .get('/.well-known/oauth-protected-resource/:resource+', async (request, route) =>
    cached(await protectedResource(await oauthContext(route), resourceOf(request))),
  )
  .get('/.well-known/api-catalog', async (request, route) =>
    cached(apiCatalog(baseUrlOf(route.call.runtime.env, new URL(request.url), route.call.tenant)), catalogType),
  )
  .get('/.well-known/security.txt', async (request, route) => contacts(request, route))
  .get('/system/health', async (_request, route) => health(route.call.runtime, route.call.tenant, route.snapshot))
  .post('/system/setup', async (request, route) => {
    await route.snapshot();
    const { runtime, tenant } = route.call;
    const body = await request.json().catch(() => null);
    return Response.json(await setup(runtime.env, tenant, body, runtime.now()), { status: 201 });
  })
  .get('/robots.txt', () => new Response('User-agent: *\nDisallow: /\n'));

/** Answers the routes that are no operations: token endpoint, well-known documents, health, setup. Throws ApiError. */
export async function fixedRoute(request: Request, route: FixedRoute): Promise<Response> {
  const { headers, path } = route.call;
  const { pathname } = new URL(request.url);
  path.text = pathname;
  applyCors(headers, request.headers.get('origin'), null);
  if (request.method === 'OPTIONS') {
    headers.set('Access-Control-Allow-Methods', 'OPTIONS, HEAD, GET, POST');
    headers.set('Access-Control-Allow-Headers', 'Accept, Authorization, Content-Type');
    return new Response(null, { headers });
  }
  const response: Response | undefined = await router.fetch(request, route);
  if (response === undefined) {
    const allow = allowed(pathname);
    throw allow === undefined
      ? new ApiError('unknown_location')
      : new ApiError('method_not_allowed', undefined, { headers: { Allow: allow } });
  }
  for (const [name, value] of headers) {
    response.headers.set(name, value);
  }
  return response;
}

/** The methods of a fixed path; undefined when there is no such path. */
function allowed(pathname: string): string | undefined {
  const methods = router.routes.filter(([, pattern]) => pattern.test(pathname)).map(([method]) => method);
  return methods.length === 0 ? undefined : [...new Set([...methods, 'OPTIONS'])].sort().join(', ');
}

async function oauthContext({ call, snapshot }: FixedRoute): Promise<OAuthContext> {
  return contextOf(call, await snapshot());
}

/** The path that a resource's metadata is asked for (RFC 9728 §3.1). */
function resourceOf(request: Request): string {
  return new URL(request.url).pathname.replace('/.well-known/oauth-protected-resource/', '');
}

/** Public documents change with the configuration only. */
function cached(body: unknown, type = 'application/json'): Response {
  return Response.json(body, { headers: { 'Cache-Control': 'public, max-age=60', 'Content-Type': type } });
}

async function contacts(request: Request, { call: { runtime, tenant }, snapshot }: FixedRoute): Promise<Response> {
  const { config } = await snapshot();
  const [email, url] = ['info_contact_email', 'info_contact_url'].map((name) => String(config(name) ?? ''));
  const text = securityText(
    { email: email!, url: url! },
    baseUrlOf(runtime.env, new URL(request.url), tenant),
    runtime.now(),
  );
  if (text === null) {
    throw new ApiError('unknown_location');
  }
  return new Response(text, { headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
}
