import { and, asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { categories } from '../core/system-operation.ts';
import { scopes } from '../resources/scope.ts';
import type { OAuthContext } from './context.ts';
import { grants } from './grants.ts';

type Document = Record<string, unknown>;

/** `GET /.well-known/oauth-authorization-server` (RFC 8414). */
export async function authorizationServer(context: OAuthContext): Promise<Document> {
  const { baseUrl } = context;
  return {
    issuer: baseUrl,
    token_endpoint: `${baseUrl}/authorization/token`,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    userinfo_endpoint: `${baseUrl}/authorization/whoami`,
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    scopes_supported: await publicScopes(context),
    // None until there is an authorization endpoint.
    response_types_supported: [],
    grant_types_supported: Object.keys(grants),
  };
}

/** `GET /.well-known/openid-configuration`: the same, and which claims a token carries (OpenID Connect Discovery 1.0 §3). */
export async function openidConfiguration(context: OAuthContext): Promise<Document> {
  return {
    ...(await authorizationServer(context)),
    subject_types_supported: ['public'],
    claims_supported: ['iss', 'sub', 'aud', 'iat', 'exp', 'name', 'preferred_username', 'email'],
  };
}

/** `GET /.well-known/oauth-protected-resource[/path]` (RFC 9728 §3.1); `resource` is the path below the base URL, without a slash in front. */
export async function protectedResource(context: OAuthContext, resource = ''): Promise<Document> {
  const { baseUrl } = context;
  return {
    resource: resource === '' ? baseUrl : `${baseUrl}/${resource}`,
    authorization_servers: [baseUrl],
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    scopes_supported: await publicScopes(context),
    bearer_methods_supported: ['header'],
  };
}

/** Names of the scopes of the API itself, not of the platform's management. Without the database the list is empty. */
export async function publicScopes({ runtime, tenant }: OAuthContext): Promise<string[]> {
  try {
    const found = await drizzle(runtime.env.DB)
      .select({ name: scopes.name })
      .from(scopes)
      .where(and(eq(scopes.tenant_id, tenant), eq(scopes.status, 1), eq(scopes.category_id, categories.default)))
      .orderBy(asc(scopes.name));
    return found.map(({ name }) => name);
  } catch (thrown) {
    runtime.report('oauth.discovery', thrown);
    return [];
  }
}
