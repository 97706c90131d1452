/** A check of `format`, for texts unless it says `numbers`. All expressions in here are linear. */
export interface Format {
  numbers?: true;
  test(value: string | number): boolean;
  /** What the value must be: `a valid e-mail address`. The wording for dates and times is Fusio's. */
  expected: string;
}

/** The formats that can be asserted; every other one only annotates (JSON Schema 2020-12 validation §7.2.3). */
export const formats: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['date', text('a valid full-date format [RFC3339]', isDate)],
  ['date-time', text('a valid date-time format [RFC3339]', isDateTime)],
  ['time', text('a valid full-time format [RFC3339]', isTime)],
  ['duration', text('a valid duration [RFC3339]', isDuration)],
  ['email', text('a valid e-mail address', (value) => isEmail(value, false))],
  ['idn-email', text('a valid e-mail address', (value) => isEmail(value, true))],
  ['hostname', text('a valid host name', isHostname)],
  ['idn-hostname', text('a valid host name', isIdnHostname)],
  ['ipv4', text('a valid IPv4 address', isIpv4)],
  ['ipv6', text('a valid IPv6 address', isIpv6)],
  ['uri', text('a valid URI', (value) => isUri(value, false, true))],
  ['uri-reference', text('a valid URI reference', (value) => isUri(value, false, false))],
  ['iri', text('a valid IRI', (value) => isUri(value, true, true))],
  ['iri-reference', text('a valid IRI reference', (value) => isUri(value, true, false))],
  ['uri-template', text('a valid URI template', isUriTemplate)],
  ['uuid', text('a valid UUID', (value) => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(value))],
  ['json-pointer', text('a valid JSON Pointer', (value) => /^(?:\/(?:[^~/]|~[01])*)*$/.test(value))],
  [
    'relative-json-pointer',
    text('a valid relative JSON Pointer', (value) => /^(?:0|[1-9]\d*)(?:#|(?:\/(?:[^~/]|~[01])*)*)$/.test(value)),
  ],
  ['regex', text('a valid regular expression', isRegex)],
  // OpenAPI's.
  ['byte', text('valid base64', isBase64)],
  ['int32', { numbers: true, expected: 'a 32-bit integer', test: (value) => within(value, 2 ** 31) }],
  ['int64', { numbers: true, expected: 'a 64-bit integer', test: (value) => within(value, 2 ** 63) }],
]);

function text(expected: string, test: (value: string) => boolean): Format {
  return { expected, test: test as Format['test'] };
}

function within(value: string | number, bound: number): boolean {
  return Number.isInteger(value) && Number(value) >= -bound && Number(value) < bound;
}

const monthLengths = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** RFC 3339 `full-date`. */
function isDate(value: string): boolean {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(value);
  if (parts === null) {
    return false;
  }
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const last = month === 2 && !leap ? 28 : monthLengths[month - 1];
  return last !== undefined && day >= 1 && day <= last;
}

/** RFC 3339 `full-time`; second 60 only where UTC has leap seconds. */
function isTime(value: string): boolean {
  const parts = /^(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:z|([+-])(\d\d):(\d\d))$/i.exec(value);
  if (parts === null) {
    return false;
  }
  const [hour, minute, second] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const [zoneHour, zoneMinute] = [Number(parts[5] ?? 0), Number(parts[6] ?? 0)];
  if (hour > 23 || minute > 59 || zoneHour > 23 || zoneMinute > 59) {
    return false;
  }
  if (second < 60) {
    return true;
  }
  const offset = (parts[4] === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute);
  const utc = (((hour * 60 + minute - offset) % 1440) + 1440) % 1440;
  return second === 60 && utc === 1439;
}

function isDateTime(value: string): boolean {
  return /^[Tt]$/.test(value.charAt(10)) && isDate(value.slice(0, 10)) && isTime(value.slice(11));
}

/** RFC 3339 appendix A. */
function isDuration(value: string): boolean {
  const time = '(?:T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S))';
  return new RegExp(`^P(?:\\d+W|(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)${time}?|${time})$`).test(value);
}

/** RFC 5321 `Mailbox` (RFC 6531 with letters beyond ASCII). */
function isEmail(value: string, international: boolean): boolean {
  const at = value.lastIndexOf('@');
  if (at < 1 || value.length > 320) {
    return false;
  }
  const local = value.slice(0, at);
  const domain = value.slice(at + 1);
  if (!international && /[^\0-\x7f]/.test(value)) {
    return false;
  }
  const atom = /^[\w!#$%&'*+/=?^`{|}~\x80-\u{10ffff}-]+$/u;
  const quoted = /^"(?:[ !#-[\]-~\x80-\u{10ffff}]|\\[ -~])*"$/u;
  if (!quoted.test(local) && !local.split('.').every((part) => atom.test(part))) {
    return false;
  }
  const literal = /^\[(?:(IPv6:)?([^\]]*))\]$/i.exec(domain);
  if (literal !== null) {
    return literal[1] === undefined ? isIpv4(literal[2]!) : isIpv6(literal[2]!);
  }
  return international ? isIdnHostname(domain) : isHostname(domain);
}

/** RFC 1123 §2.1. */
function isHostname(value: string): boolean {
  return (
    value.length <= 253 &&
    value.split('.').every((label) => /^[\da-z](?:[\da-z-]{0,61}[\da-z])?$/i.test(label) && isNoFalseAce(label))
  );
}

/** Two hyphens in third and fourth place are reserved for encoded labels (RFC 5891 §4.2.3.1). */
function isNoFalseAce(label: string): boolean {
  return label.slice(2, 4) !== '--' || /^xn--[\da-z]/i.test(label);
}

/** A host name with letters beyond ASCII; the tables of IDNA 2008 are not consulted. */
function isIdnHostname(value: string): boolean {
  const labels = value.split(/[.\u3002\uff0e\uff61]/);
  return (
    value.length <= 253 &&
    labels.every((label) => {
      return (
        label.length <= 63 &&
        isNoFalseAce(label) &&
        /^(?!-)(?:[\p{L}\p{M}\p{N}\xb7\u0375\u05f3\u05f4\u30fb-]|\u200c|\u200d)+(?<!-)$/u.test(label) &&
        !/^\p{M}/u.test(label)
      );
    })
  );
}

function isIpv4(value: string): boolean {
  const parts = value.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** RFC 4291 §2.2. */
function isIpv6(value: string): boolean {
  const halves = value.split('::');
  if (halves.length > 2 || value.length > 45) {
    return false;
  }
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    const parts = half === '' ? [] : half.split(':');
    for (const [position, part] of parts.entries()) {
      const last = index === halves.length - 1 && position === parts.length - 1;
      if (/^[\da-f]{1,4}$/i.test(part)) {
        groups += 1;
      } else if (last && isIpv4(part)) {
        groups += 2;
      } else {
        return false;
      }
    }
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

const beyond = '\\xa0-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef\\u{10000}-\\u{1fffd}\\u{20000}-\\u{efffd}';
const uriParts = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function uriChars(extra: string, international: boolean): RegExp {
  return new RegExp(`^(?:[\\w.~!$&'()*+,;=${extra}${international ? beyond : ''}\\-]|%[\\da-fA-F]{2})*$`, 'u');
}

function uriTable(international: boolean): Record<'user' | 'host' | 'path' | 'query', RegExp> {
  return {
    user: uriChars(':', international),
    host: uriChars('', international),
    path: uriChars(':@/', international),
    query: uriChars(
      international ? ':@/?\\ue000-\\uf8ff\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}' : ':@/?',
      international,
    ),
  };
}

const uriTables = [uriTable(false), uriTable(true)] as const;

/** RFC 3986 appendix A; RFC 3987 when international. */
function isUri(value: string, international: boolean, absolute: boolean): boolean {
  const [, scheme, authority, path = '', query, fragment] = uriParts.exec(value) ?? [];
  const chars = uriTables[international ? 1 : 0];
  if (scheme === undefined ? absolute : !/^[a-z][\da-z+.-]*$/i.test(scheme)) {
    return false;
  }
  if (authority !== undefined && !isAuthority(authority, chars)) {
    return false;
  }
  return chars.path.test(path) && chars.query.test(query ?? '') && chars.query.test(fragment ?? '');
}

function isAuthority(authority: string, chars: (typeof uriTables)[number]): boolean {
  const at = authority.lastIndexOf('@');
  const user = at < 0 ? '' : authority.slice(0, at);
  const place = /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(authority.slice(at + 1))?.[1];
  if (place === undefined || !chars.user.test(user)) {
    return false;
  }
  if (!place.startsWith('[')) {
    return chars.host.test(place);
  }
  const address = place.slice(1, -1);
  return isIpv6(address) || /^v[\da-f]+\.[\w.~!$&'()*+,;=:-]+$/i.test(address);
}

/** RFC 6570 §2. */
function isUriTemplate(value: string): boolean {
  const name = '(?:\\w|%[\\da-fA-F]{2})(?:\\.?(?:\\w|%[\\da-fA-F]{2}))*(?::[1-9]\\d{0,3}|\\*)?';
  const expression = new RegExp(`^[+#./;?&=,!@|]?${name}(?:,${name})*$`);
  let at = 0;
  while (at < value.length) {
    const char = value.charAt(at);
    if (char === '{') {
      const end = value.indexOf('}', at);
      if (end < 0 || !expression.test(value.slice(at + 1, end))) {
        return false;
      }
      at = end + 1;
    } else if (char === '%' ? !/^%[\da-fA-F]{2}/.test(value.slice(at, at + 3)) : /[\0- "<>\\^`|}\x7f]/.test(char)) {
      return false;
    } else {
      at++;
    }
  }
  return true;
}

/** ECMA-262 in unicode mode. Only parsed, never run: V8's engine must not see callers' patterns. */
function isRegex(value: string): boolean {
  try {
    return new RegExp(value, 'u') !== undefined;
  } catch {
    return false;
  }
}

/** RFC 4648 §4, padded. */
function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[\da-z+/]*={0,2}$/i.test(value);
}
