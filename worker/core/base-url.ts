/**
 * The installation's base URL without a trailing slash: issuer and audience of tokens, root of the links in documents. The
 * configured one, else the origin that the request names.
 */
export function baseUrlOf(env: { PUBLIC_URL?: string }, url: Pick<URL, 'origin'>): string {
  return env.PUBLIC_URL ? env.PUBLIC_URL.replace(/\/+$/, '') : url.origin;
}
