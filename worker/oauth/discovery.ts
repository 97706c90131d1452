import { and, asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { categories } from '../core/system-operation.ts';
import { scopes } from '../resources/scope.ts';
import type { OAuthContext } from './context.ts';
import { grants } from './grants.ts';
import { verificationKeys } from './keys.ts';

type Document = Record<string, unknown>;

/** `GET /.well-known/oauth-authorization-server` (RFC 8414 §2). Lists without entries are left out (§3.2), but for the one that must be there. */
export async function authorizationServer(context: OAuthContext): Promise<Document> {
  const { baseUrl, snapshot } = context;
  const scopes = await publicScopes(context);
  return {
    issuer: baseUrl,
    token_endpoint: `${baseUrl}/authorization/token`,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    userinfo_endpoint: `${baseUrl}/authorization/whoami`,
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    // None until there is an authorization endpoint.
    response_types_supported: [],
    grant_types_supported: Object.keys(grants),
    // RFC 9728 §4.
    protected_resources: [baseUrl],
    ...address('op_tos_uri', snapshot.config('info_tos')),
  };
}

/** `GET /.well-known/openid-configuration`: the same, and which claims a token carries (OpenID Connect Discovery 1.0 §3). */
export async function openidConfiguration(context: OAuthContext): Promise<Document> {
  return {
    ...(await authorizationServer(context)),
    subject_types_supported: ['public'],
    // What our JSON Web Tokens are signed with; an ID token of its own is not issued.
    id_token_signing_alg_values_supported: [...new Set(verificationKeys(context.snapshot).map(({ alg }) => alg))],
    // Would be taken for true.
    request_uri_parameter_supported: false,
    claims_supported: ['iss', 'sub', 'aud', 'iat', 'exp', 'name', 'preferred_username', 'email'],
  };
}

/** `GET /.well-known/oauth-protected-resource[/path]` (RFC 9728 §3.1); `resource` is the path below the base URL, without a slash in front. */
export async function protectedResource(context: OAuthContext, resource = ''): Promise<Document> {
  const { baseUrl, snapshot } = context;
  const scopes = await publicScopes(context);
  return {
    resource: resource === '' ? baseUrl : `${baseUrl}/${resource}`,
    authorization_servers: [baseUrl],
    jwks_uri: `${baseUrl}/.well-known/jwks.json`,
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    bearer_methods_supported: ['header'],
    resource_name: String(snapshot.config('info_title') ?? ''),
    ...address('resource_tos_uri', snapshot.config('info_tos')),
  };
}

/** A member that is an address, where the setting is one. */
function address(member: string, setting: unknown): Document {
  return URL.canParse(String(setting ?? '')) ? { [member]: setting } : {};
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
