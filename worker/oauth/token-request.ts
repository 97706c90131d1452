import type { ClientCredentials } from './credentials.ts';
import { OAuthError } from './errors.ts';

/** A request to the token endpoint: its parameters, each at most once, and the client that presents itself. */
export interface TokenRequest {
  parameters: ReadonlyMap<string, string>;
  /** Null when none did. */
  client: ClientCredentials | null;
}

/** Largest accepted body, bytes. */
const bodyLimit = 65_536;

/**
 * Reads a token request: form (RFC 6749 §3.2) or JSON body, client by Basic (§2.3.1) or by `client_id` and `client_secret` in
 * the body, never both. Throws OAuthError `invalid_request`.
 */
export async function readTokenRequest(request: Request): Promise<TokenRequest> {
  const text = await readText(request);
  const type = request.headers.get('Content-Type') ?? '';
  const parameters = /^application\/([a-z.-]+\+)?json\b/i.test(type) ? parseJson(text) : parseForm(text);
  return { parameters, client: readClient(request.headers.get('Authorization'), parameters) };
}

async function readText(request: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > bodyLimit) {
      throw new OAuthError('invalid_request', 'The request body is too large');
    }
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(Buffer.concat(chunks));
  } catch {
    throw new OAuthError('invalid_request', 'The request body is not valid UTF-8');
  }
}

function parseForm(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (parameters.has(name)) {
      throw new OAuthError('invalid_request', `The parameter ${name} is given more than once`);
    }
    parameters.set(name, value);
  }
  return parameters;
}

/** A JSON object; texts count as they are, lists of texts (scopes) joined by spaces, everything else is ignored. */
function parseJson(text: string): Map<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text === '' ? '{}' : text);
  } catch {
    throw new OAuthError('invalid_request', 'The request body is not valid JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new OAuthError('invalid_request', 'The request body must be a JSON object');
  }
  const parameters = new Map<string, string>();
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'string') {
      parameters.set(name, member);
    } else if (Array.isArray(member) && member.every((item) => typeof item === 'string')) {
      parameters.set(name, member.join(' '));
    }
  }
  return parameters;
}

function readClient(authorization: string | null, parameters: ReadonlyMap<string, string>): ClientCredentials | null {
  const id = parameters.get('client_id');
  const secret = parameters.get('client_secret');
  if (authorization === null) {
    return id === undefined || secret === undefined ? null : { id, secrets: [secret] };
  }
  const basic = readBasic(authorization);
  if (basic === null) {
    throw new OAuthError('invalid_request', 'The authorization header must hold Basic credentials');
  }
  if (secret !== undefined || (id !== undefined && id !== basic.id)) {
    throw new OAuthError('invalid_request', 'Client credentials are given more than once');
  }
  return basic;
}

/** Basic credentials (RFC 7617). A comma can only come from two headers that were joined. */
export function readBasic(authorization: string): ClientCredentials | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) {
    return null;
  }
  const [id, secret] = [text.slice(0, colon), text.slice(colon + 1)];
  return { id: decode(id), secrets: [...new Set([secret, decode(secret)])] };
}

/** Percent-decoded, or as it is when it was not encoded. A `+` stays one: no secret of ours holds a space. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
