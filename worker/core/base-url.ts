/**
 * A tenant's base URL without a trailing slash: issuer and audience of tokens, root of the links in documents. The root tenant's
 * is the configured one, if there is one; else the origin that the request names.
 */
export function baseUrlOf(env: { PUBLIC_URL?: string }, url: Pick<URL, 'origin'>, tenant: string): string {
  return configuredUrl(env, tenant) ?? url.origin;
}

/** The base URL that does not depend on what a request names; null when there is none. */
export function configuredUrl(env: { PUBLIC_URL?: string }, tenant: string): string | null {
  return env.PUBLIC_URL && tenant === '' ? env.PUBLIC_URL.replace(/\/+$/, '') : null;
}
