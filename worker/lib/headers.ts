/** Longest accepted request URL, in characters. */
export const maxUrlLength = 8192;
/** Largest accepted header section, in bytes as `headerBytes` counts them; for requests and for the answers of upstreams. */
export const maxHeaderBytes = 32_768;

/** Bytes of a header section as HTTP/1.1 would write it: `name: value` and the line end. */
export function headerBytes(headers: Headers): number {
  let bytes = 0;
  headers.forEach((value, name) => {
    bytes += name.length + value.length + 4;
  });
  return bytes;
}

export interface RequestHeaderPolicy {
  /** Pass `Authorization` on: the caller's credentials for us are then the upstream's too. Default false. */
  authorization?: boolean;
  /** Pass `Cookie` on. Default false. */
  cookies?: boolean;
  /** Pass `Upgrade` on, for WebSockets. Default false. */
  upgrade?: boolean;
  /** Further names in lower case; one that ends in `-` stands for all names that begin so. */
  drop?: readonly string[];
}

/**
 * The headers of a request that may go to an upstream: nothing that belongs to the connection, that only a gateway may say
 * (who the client is, which URL or method was meant) or that holds control characters. Names are judged with `_` read as
 * `-`, as CGI servers read them. What the gateway itself says is added by the caller, afterwards.
 */
export function forwardedHeaders(request: Headers, policy: RequestHeaderPolicy = {}): Headers {
  const named = connectionOptions(request);
  const drop = policy.drop ?? [];
  const result = new Headers();
  request.forEach((value, name) => {
    const read = name.replaceAll('_', '-');
    const allowed =
      (read === 'authorization' && policy.authorization) ||
      (read === 'cookie' && policy.cookies) ||
      (name === 'upgrade' && policy.upgrade) ||
      !refusedUpstream(read);
    const ofConnection = named.has(name) && name !== 'upgrade';
    if (allowed && !ofConnection && !isAmong(drop, read) && !control.test(value)) {
      result.append(name, value);
    }
  });
  return result;
}

export interface ResponseHeaderPolicy {
  /** Pass `Set-Cookie` on, which then sets cookies for our own host. Default false. */
  cookies?: boolean;
  /** Further names in lower case; one that ends in `-` stands for all names that begin so. */
  drop?: readonly string[];
}

/**
 * The headers of an upstream's answer that may come back: nothing that belongs to the connection, that tells what the
 * upstream runs on, that steers a server in front, or that binds the browser to a policy for our whole host; CORS is ours
 * to answer. `Content-Length` and `Content-Encoding` stay: they are right as long as the body is passed on unread.
 */
export function returnedHeaders(response: Headers, policy: ResponseHeaderPolicy = {}): Headers {
  const named = connectionOptions(response);
  const drop = policy.drop ?? [];
  const result = new Headers();
  response.forEach((value, name) => {
    if (
      name !== 'set-cookie' &&
      !named.has(name) &&
      !refusedDownstream(name) &&
      !isAmong(drop, name) &&
      !control.test(value)
    ) {
      result.append(name, value);
    }
  });
  if (policy.cookies && !named.has('set-cookie')) {
    for (const cookie of response.getSetCookie()) {
      result.append('set-cookie', cookie);
    }
  }
  return result;
}

export type Authorization =
  /** `scheme` in lower case; `credentials` as sent, empty when there are none. */
  | { ok: true; scheme: string; credentials: string }
  /** `joined`: several headers arrived as one, so nobody can say whose request it is. */
  | { ok: false; reason: 'malformed' | 'joined' };

/** Splits an `Authorization` value (RFC 9110 §11.4): a scheme, then one token or a list of `name=value`. */
export function readAuthorization(value: string): Authorization {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(.*))?$/.exec(value.trim());
  if (match === null) {
    return { ok: false, reason: value.includes(',') ? 'joined' : 'malformed' };
  }
  const credentials = match[2] ?? '';
  if (credentials === '' || token68.test(credentials) || authParams.test(credentials)) {
    return { ok: true, scheme: match[1]!.toLowerCase(), credentials };
  }
  return { ok: false, reason: credentials.includes(',') ? 'joined' : 'malformed' };
}

const token68 = /^[A-Za-z0-9._~+/-]+=*$/;
const authParam = String.raw`[!#$%&'*+.^_${'`'}|~0-9A-Za-z-]+[ \t]*=[ \t]*(?:[!#$%&'*+.^_${'`'}|~0-9A-Za-z-]+|"(?:[^"\\]|\\.)*")`;
const authParams = new RegExp(`^${authParam}(?:[ \\t]*,[ \\t]*${authParam})*$`);
/** Without the tab, which is allowed in values; workerd lets the others through. */
const control = /[\x00-\x08\x0a-\x1f\x7f]/;

/** RFC 9110 §7.6.1, and the framing of the body, which its sender writes anew. */
const connectionHeaders = [
  'connection',
  'keep-alive',
  'proxy-',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
];

const refusedUpstream = matcher([
  ...connectionHeaders,
  ...['host', 'content-length', 'expect', 'http2-settings', 'cdn-loop', 'authorization', 'cookie', 'cookie2'],
  // Written anew by whoever opens the WebSocket; the protocol is the client's wish and stays.
  ...['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-accept'],
  // Who the client is.
  ...[
    'forwarded',
    'forwarded-',
    'x-forwarded',
    'x-forwarded-',
    'x-original-',
    'x-originating-',
    'x-real-ip',
    'true-client-ip',
  ],
  ...[
    'client-ip',
    'x-client-ip',
    'x-cluster-client-ip',
    'x-remote-',
    'x-proxyuser-ip',
    'fastly-client-ip',
    'cf-',
    'x-azure-',
  ],
  ...[
    'x-appengine-',
    'x-envoy-',
    'x-arr-',
    'client-cert',
    'client-cert-chain',
    'x-client-cert',
    'x-client-cert-',
    'ssl-client-',
  ],
  ...[
    'x-ssl-client-',
    'x-amzn-oidc-',
    'x-goog-authenticated-',
    'x-goog-iap-',
    'x-ms-client-principal',
    'x-ms-client-principal-',
  ],
  // Which URL or method is meant.
  ...['x-rewrite-', 'x-host', 'x-http-host-override', 'x-http-method', 'x-http-method-override', 'x-method-override'],
]);

const refusedDownstream = matcher([
  ...connectionHeaders,
  ...['set-cookie2', 'server', 'x-powered-by', 'x-aspnet-version', 'x-aspnetmvc-version', 'cf-', 'cdn-loop', 'via'],
  ...['x-accel-', 'x-sendfile', 'x-lighttpd-send-file', 'sec-websocket-accept', 'sec-websocket-extensions'],
  ...['access-control-', 'alt-svc', 'strict-transport-security', 'public-key-pins', 'public-key-pins-report-only'],
  ...['clear-site-data', 'service-worker-allowed', 'nel', 'report-to', 'reporting-endpoints', 'origin-agent-cluster'],
]);

/** The headers that `Connection` names: they belong to the connection as well. */
function connectionOptions(headers: Headers): Set<string> {
  const value = headers.get('connection');
  return new Set(value === null ? [] : value.split(',').map((option) => option.trim().toLowerCase()));
}

function isAmong(names: readonly string[], name: string): boolean {
  return names.some((each) => (each.endsWith('-') ? name.startsWith(each) : name === each));
}

/** `isAmong` for a fixed list, prepared. */
function matcher(names: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => !name.endsWith('-')));
  const prefixes = new RegExp(`^(?:${names.filter((name) => name.endsWith('-')).join('|')})`);
  return (name) => exact.has(name) || prefixes.test(name);
}
