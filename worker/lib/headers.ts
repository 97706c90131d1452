/** Longest accepted request URL, in characters. */
export const maxUrlLength = 8192;
/** Largest accepted header section, in bytes as `headerBytes` counts them; for requests and for the answers of upstreams. */
export const maxHeaderBytes = 32_768;

/** A header section in JavaScript: reading it out of the platform is what costs, so it is read once and handed on. */
export interface HeaderList {
  /** In lower case; `set-cookie` may come several times. */
  names: string[];
  /** By the index of their names. */
  values: string[];
  /** Of the section as HTTP/1.1 would write it: `name: value` and the line end. */
  bytes: number;
}

export function listHeaders(headers: Headers): HeaderList {
  const list: HeaderList = { names: [], values: [], bytes: 0 };
  headers.forEach((value, name) => {
    list.names.push(name);
    list.values.push(value);
    list.bytes += name.length + value.length + 4;
  });
  return list;
}

/** The value under a name in lower case; null when there is none. */
export function headerValue({ names, values }: HeaderList, name: string): string | null {
  const at = names.indexOf(name);
  return at === -1 ? null : values[at]!;
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
 * Adds the headers of a request that may go to an upstream: nothing that belongs to the connection, that only a gateway may say
 * (who the client is, which URL or method was meant) or that holds control characters. Names are judged with `_` read as
 * `-`, as CGI servers read them. What the gateway itself says is the caller's to add.
 */
export function addForwarded(result: Headers, request: HeaderList, policy: RequestHeaderPolicy = {}): void {
  const { names, values } = request;
  const named = connectionOptions(request);
  const drop = policy.drop ?? [];
  for (let at = 0; at < names.length; at++) {
    const name = names[at]!;
    const read = name.includes('_') ? name.replaceAll('_', '-') : name;
    const allowed =
      !refusedUpstream(read) ||
      (read === 'authorization' && policy.authorization) ||
      (read === 'cookie' && policy.cookies) ||
      (name === 'upgrade' && policy.upgrade);
    const ofConnection = named?.has(name) === true && name !== 'upgrade';
    if (allowed && !ofConnection && !isAmong(drop, read) && !control.test(values[at]!)) {
      result.append(name, values[at]!);
    }
  }
}

export interface ResponseHeaderPolicy {
  /** Pass `Set-Cookie` on, which then sets cookies for our own host. Default false. */
  cookies?: boolean;
  /** Further names in lower case; one that ends in `-` stands for all names that begin so. */
  drop?: readonly string[];
}

/**
 * Which headers of an upstream's answer may not come back: what belongs to the connection, tells what the upstream runs on,
 * steers a server in front, or binds the browser to a policy for our whole host; CORS is ours to answer. `Content-Length` and
 * `Content-Encoding` stay: they are right as long as the body is passed on unread.
 */
export function refusedHeaders(response: HeaderList, policy: ResponseHeaderPolicy = {}): string[] {
  const { names, values } = response;
  const named = connectionOptions(response);
  const drop = policy.drop ?? [];
  return names.filter(
    (name, at) =>
      (name === 'set-cookie' ? !policy.cookies : refusedDownstream(name)) ||
      named?.has(name) === true ||
      isAmong(drop, name) ||
      control.test(values[at]!),
  );
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

/** The headers that `Connection` names: they belong to the connection as well. Null when it names none. */
function connectionOptions(headers: HeaderList): Set<string> | null {
  const value = headerValue(headers, 'connection');
  return value === null || value === 'keep-alive' || value === 'close'
    ? null
    : new Set(value.split(',').map((option) => option.trim().toLowerCase()));
}

function isAmong(names: readonly string[], name: string): boolean {
  return names.some((each) => (each.endsWith('-') ? name.startsWith(each) : name === each));
}

/** `isAmong` for a fixed list, prepared. Names that were judged are remembered: most requests carry the same ones. */
function matcher(names: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => !name.endsWith('-')));
  const prefixes = new RegExp(`^(?:${names.filter((name) => name.endsWith('-')).join('|')})`);
  const known = new Map<string, boolean>();
  return (name) => {
    let among = known.get(name);
    if (among === undefined) {
      among = exact.has(name) || prefixes.test(name);
      // They come from outside: the memory of them is bounded.
      if (known.size >= 1000) {
        known.clear();
      }
      if (name.length <= 64) {
        known.set(name, among);
      }
    }
    return among;
  };
}
