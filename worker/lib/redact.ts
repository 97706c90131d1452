import { isSecretName } from './secret-names.ts';

/** What stands where a secret was. Never a hash of it: short secrets are found by trying. */
export const mask = '***';

/** Headers whose value is a fingerprint, a trace or a boundary: long and random, but opening nothing. */
const fingerprints = new Set(
  `accept accept-encoding accept-language content-type content-length content-md5 digest content-digest repr-digest date host
  if-match if-none-match etag last-modified origin range referer sec-websocket-key sec-ch-ua sec-ch-ua-platform traceparent
  tracestate baggage user-agent via x-request-id x-correlation-id x-amzn-trace-id x-cloud-trace-context x-b3-traceid
  x-b3-spanid cf-ray idempotency-key`.split(/\s+/),
);

/** Longer values are not searched, only measured. */
const headerLimit = 4096;

/** Headers for a log: by name in lower case, secrets masked; a name that was sent twice keeps both values, as fetch joins them. */
export function redactHeaders(headers: Iterable<[string, string]>): Record<string, string> {
  const shown: Record<string, string> = Object.create(null);
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    shown[lower] = redactHeader(lower, value);
  }
  return shown;
}

/** One of them; its name in lower case. */
export function redactHeader(name: string, value: string): string {
  if (value.length > headerLimit) {
    return `[${value.length} characters]`;
  }
  if (fingerprints.has(name)) {
    return remembered(plainShapes, value, redactShapes);
  }
  return isSecretName(name) ? mask : remembered(plainTexts, value, redactText);
}

/** Values that were found harmless: most callers send the same headers again. Nothing that was masked is remembered. */
const plainShapes = new Set<string>();
const plainTexts = new Set<string>();
const plainSegments = new Set<string>();

function remembered(plain: Set<string>, value: string, redact: (value: string) => string): string {
  if (plain.has(value)) {
    return value;
  }
  const shown = redact(value);
  if (shown === value && value.length <= 256) {
    if (plain.size >= 1000) {
      plain.clear();
    }
    plain.add(value);
  }
  return shown;
}

/** The query of a URL (without its `?`) or a form-encoded body: values masked by their names, and by what they look like. */
export function redactQuery(query: string): string {
  if (query === '') {
    return query;
  }
  return query
    .split(/([&;])/)
    .map((part, index) => (index % 2 === 1 ? part : redactPair(part)))
    .join('');
}

function redactPair(pair: string): string {
  const equals = pair.indexOf('=');
  const name = equals === -1 ? pair : pair.slice(0, equals);
  const value = equals === -1 ? '' : pair.slice(equals + 1);
  if (value !== '' && decodings(name).some(isSecretName)) {
    return `${name}=${mask}`;
  }
  const shownName = decodings(name).some(looksSecret) ? mask : name;
  if (equals === -1) {
    return shownName;
  }
  return `${shownName}=${decodings(value).some(looksSecret) ? mask : value}`;
}

/** A path: the segments that hold a value of `secrets` (path parameters with secret names) and what has a token's shape. */
export function redactPath(path: string, params: Readonly<Record<string, string>> = {}): string {
  const secrets = new Set<string>();
  for (const [name, value] of Object.entries(params)) {
    if (value !== '' && isSecretName(name)) {
      secrets.add(value);
      for (const segment of value.split('/')) {
        secrets.add(segment);
      }
    }
  }
  return path
    .split('/')
    .map((segment) => {
      if (isTooShort(segment) && !secrets.has(segment)) {
        return segment;
      }
      if (secrets.size > 0 && decodings(segment).some((form) => secrets.has(form))) {
        return mask;
      }
      return remembered(plainSegments, segment, redactSegment);
    })
    .join('/');
}

function redactSegment(segment: string): string {
  return decodings(segment).some((form) => redactShapes(form) !== form || isCapability(form)) ? mask : segment;
}

/** Whether a segment is plain text in which no shape below has room. */
function isTooShort(segment: string): boolean {
  return segment.length <= 8 && /^[\w.-]*$/.test(segment);
}

/** A text for a log (message, stack trace, header): known shapes of secrets, `name=value` pairs, and long random runs masked. */
export function redactText(text: string): string {
  return redactShapes(text).replace(runs, (run) => (isRandom(run) ? mask : run));
}

/** The same without the long random runs, for places where fingerprints and hashes belong. */
export function redactShapes(text: string): string {
  if (text.length < 3) {
    return text;
  }
  let shown = text;
  if (text.includes('-----BEGIN')) {
    shown = shown.replace(pem, mask);
  }
  shown = shown.replace(credentialLines, (_line, name: string) => `${name}${mask}`);
  shown = shown.replace(schemes, (whole, scheme: string, gap: string, value: string) =>
    prose.test(value) ? whole : `${scheme}${gap}${mask}`,
  );
  if (shown.includes('@')) {
    shown = redactUserinfo(shown);
  }
  if (/[=:]|%3d/i.test(shown)) {
    shown = redactAssignments(shown);
  }
  return shown.replace(shapes, mask);
}

// Every pattern is bounded or linear: the texts come from callers.

/** `Authorization: anything`, `Cookie: anything`, to the end of the line. */
const credentialLines =
  /\b((?:proxy-)?authorization[ \t]{0,8}[:=][ \t]{0,8}|(?:set-)?cookie2?[ \t]{0,8}:[ \t]{0,8})(?![ \t"'])[^\r\n]+/gi;

const schemes =
  /\b(bearer|basic|digest|negotiate|ntlm|dpop|token|apikey|hawk|aws4-hmac-sha256|hoba|mutual|privatetoken|ssws)([ \t]{1,8}|%20|\+)("?[^\s,;"'<>]+"?)/gi;

/** What follows the name of a scheme in a sentence. */
const prose =
  /^"?(?:auth|authentication|authorization|tokens?|credentials?|schemes?|headers?|access|type|formats?|expired|endpoint|exchange|family|signature|validation|verification|issued|revoked|invalid|missing|must|that|this|from|with|could|cannot|does|should|have|were|will|when|requests?|responses?|limits?|(?:realm|error|error_description)=.*|[a-z]{1,3})[.:!?)]?$/i;

/** `//user:password@host`, also when the password holds a `/`, `?` or `#` that should have been encoded. */
function redactUserinfo(text: string): string {
  const [before, ...behind] = text.split('//');
  return [before, ...behind.map(redactAuthority)].join('//');
}

function redactAuthority(text: string): string {
  const url = text.slice(0, text.search(/[\s"<>]|$/));
  const authority = url.slice(0, url.search(/[/?#]|$/));
  const hasPort = /^[^:]*:(?:\d{1,5})?$/.test(authority) || authority.startsWith('[');
  const end = authority.includes('@')
    ? authority.lastIndexOf('@')
    : authority.includes(':') && !hasPort
      ? url.lastIndexOf('@')
      : -1;
  return end === -1 ? text : `${mask}${text.slice(end)}`;
}

/** The name in `name=value`, `name: value`, `"name":"value"`, `name%3Dvalue`. */
const names = /(?<![\p{L}\p{N}_.%-])(\\{0,3}["']?)[\p{L}\p{N}_.%[\]-]{2,128}\1[ \t]{0,4}(?:=>|[:=]|%3[dD])[ \t]{0,4}/gu;
const value = /\\+["'][^"'\\]*(?:\\+["'])?|"[^"\\]*(?:\\.[^"\\]*)*"?|'[^'\\]*(?:\\.[^'\\]*)*'?|[^\s"'&;,<>{}()[\]]+/sy;

/** Masks what is assigned to secret names; a harmless one's value is searched again, for it may hold assignments itself. */
function redactAssignments(text: string): string {
  let shown = '';
  let from = 0;
  for (const found of text.matchAll(names)) {
    const end = found.index + found[0].length;
    if (found.index < from || !assignsSecret(found[0])) {
      continue;
    }
    value.lastIndex = end;
    const assigned = value.exec(text)?.[0];
    if (assigned === undefined || assigned.startsWith('//')) {
      continue;
    }
    const quote = /^\\*["']/.exec(assigned)?.[0] ?? '';
    shown += `${text.slice(from, end)}${quote}${mask}${quote}`;
    from = end + assigned.length;
  }
  return shown + text.slice(from);
}

function assignsSecret(assignment: string): boolean {
  const name = assignment.replace(/[ \t]*(?:=>|[:=]|%3d)[ \t]*$/i, '').replace(/^\\*["']|\\*["']$/g, '');
  return decodings(name).some((form) => isSecretName(form.split(/[?&#/;,\s]/).at(-1)!));
}

/** JSON web tokens; tokens of vendors by their prefixes. */
const shapes =
  /\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bsk-[\w-]{16,}|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{16,}|\bgl(?:pat|dt|rt|ft|soat|cbt|ptt)-[\w-]{16,}|\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}|\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}|\bAIza[\w-]{20,}|\bya29\.[\w-]{8,}|\b1\/\/0[\w-]{20,}|\bnpm_\w{20,}|\bdop_v1_\w{16,}|\bshp(?:at|ca|pa|ss)_\w{16,}|\bSG\.[\w-]{12,}\.[\w-]{12,}|\bhv[sb]\.[\w-]{16,}|\bpypi-[\w-]{16,}|\bwhsec_[\w+/=]{8,}|\bEAA[A-Za-z0-9]{24,}|\bAGE-SECRET-KEY-1\w{16,}|\$(?:2[abxy]|argon2(?:id?|d)|scrypt|pbkdf2[\w-]*|[156])\$[\w$./+=,-]{8,}/g;

const pem = /-----BEGIN[^-\r\n]{0,64}-----[\s\S]*?(?:-----END[^-\r\n]{0,64}-----|$)/g;

const runs = /[\w+~-]{20,}={0,2}/g;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a run of letters and digits is random: its kinds of characters change too often for a word or a name. */
function isRandom(run: string): boolean {
  if (uuid.test(run)) {
    return false;
  }
  let changes = 0;
  let digits = 0;
  let letters = 0;
  let last = 0;
  for (let at = 0; at < run.length; at++) {
    const code = run.charCodeAt(at);
    const kind = code >= 48 && code <= 57 ? 1 : code >= 97 && code <= 122 ? 2 : code >= 65 && code <= 90 ? 3 : 4;
    digits += kind === 1 ? 1 : 0;
    letters += kind === 2 || kind === 3 ? 1 : 0;
    changes += last !== 0 && kind !== last && kind !== 4 && last !== 4 ? 1 : 0;
    last = kind;
  }
  return letters >= 2 && digits >= 1 && changes * 5 >= run.length;
}

/** A random segment is a key to what it names (`/reset/…`), unless it is a hash or a UUID. */
function isCapability(segment: string): boolean {
  return segment.length >= 32 && !/^[0-9a-f]+$/i.test(segment) && (segment.match(runs) ?? []).some(isRandom);
}

function looksSecret(text: string): boolean {
  return redactText(text) !== text;
}

/** A text as it stands and percent-decoded up to three times: what was encoded twice is decoded twice by somebody. */
function decodings(text: string): string[] {
  const forms = [text];
  let form = text;
  for (let round = 0; round < 3 && /[%+]/.test(form); round++) {
    const decoded = decodeLoosely(form);
    if (decoded === form) {
      break;
    }
    forms.push((form = decoded));
  }
  return forms;
}

/** Percent-decoding that leaves a broken sequence as it is and decodes the rest around it. */
function decodeLoosely(text: string): string {
  return text.replace(/\+/g, ' ').replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes.replace(/%([0-7][0-9a-f])/gi, (_escape, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
    }
  });
}
