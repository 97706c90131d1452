/** `GET /.well-known/api-catalog`: where the documents of the API are, for programs (RFC 9727 §2, in the format of RFC 9264). */
export function apiCatalog(baseUrl: string): Record<string, unknown> {
  const json = (path: string) => ({ href: `${baseUrl}${path}`, type: 'application/json' });
  return {
    linkset: [
      {
        anchor: `${baseUrl}/`,
        'service-desc': [json('/system/generator/spec-openapi'), json('/system/generator/spec-typeapi')],
        'service-meta': [json('/system/about')],
        status: [json('/system/health')],
      },
    ],
  };
}

export const catalogType = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"';

/** Milliseconds for which the contact of `securityText` is promised: RFC 9116 §2.5.5 asks for less than a year. */
const validity = 180 * 86_400_000;

/** `GET /.well-known/security.txt` (RFC 9116) with the contact of the API; null while none is configured. */
export function securityText(contacts: { email: string; url: string }, baseUrl: string, now: number): string | null {
  const lines = [
    ...(contacts.email === '' ? [] : [`Contact: mailto:${contacts.email}`]),
    ...(contacts.url === '' ? [] : [`Contact: ${contacts.url}`]),
  ];
  if (lines.length === 0) {
    return null;
  }
  const expires = new Date(now + validity).toISOString();
  return [...lines, `Expires: ${expires}`, `Canonical: ${baseUrl}/.well-known/security.txt`, ''].join('\n');
}
