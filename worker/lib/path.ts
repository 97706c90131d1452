/** The path of a request in the one form that routing, limits, cache keys and upstream URLs use. */
export interface CanonicalPath {
  /**
   * Encoded again by one rule: what RFC 3986 §3.3 calls `pchar` stands as it is, every other byte as `%XX` in capitals. A
   * WHATWG URL leaves it unchanged, and canonicalising it again gives itself.
   */
  text: string;
  /** Decoded segments, none for `/`. `//` and a trailing slash are empty segments; an encoded slash is a `/` inside one. */
  segments: string[];
  /** Indexes of the segments that hold an encoded slash: refuse them unless the parameter there allows it. */
  slashed: number[];
}

export type PathRefusal =
  /** Does not start with `/`. */
  | 'relative'
  /** A broken percent sequence, or bytes that are no UTF-8 (overlong forms and surrogates included). */
  | 'encoding'
  | 'nul'
  /** C0, DEL or C1, plain or encoded. */
  | 'control'
  | 'backslash'
  /** `.` or `..`, plain or encoded, alone, beside an encoded slash, or before a `;` (which some servers cut off). */
  | 'dot-segment';

export type PathResult = { ok: true; path: CanonicalPath } | { ok: false; reason: PathRefusal };

/**
 * Makes the canonical path of a URL's `pathname`. Each segment is percent-decoded exactly once and no segment is ever
 * dropped, joined or resolved: what an upstream could read in two ways is refused. A trailing slash is kept, so `/a/` is
 * another path than `/a`, as in Fusio.
 */
export function canonicalPath(pathname: string): PathResult {
  if (pathname.charCodeAt(0) !== slash) {
    return { ok: false, reason: 'relative' };
  }
  if (plain.test(pathname)) {
    return { ok: true, path: { text: pathname, segments: splitSegments(pathname), slashed: [] } };
  }
  const segments = splitSegments(pathname);
  const slashed: number[] = [];
  let text = segments.length === 0 ? '/' : '';
  for (let index = 0; index < segments.length; index++) {
    const raw = segments[index]!;
    if (raw === '' || plainSegment.test(raw)) {
      text += `/${raw}`;
      continue;
    }
    const segment = decodeSegment(raw);
    if (segment === null) {
      return { ok: false, reason: 'encoding' };
    }
    const reason = refuse(segment);
    if (reason !== null) {
      return { ok: false, reason };
    }
    if (segment.includes('/')) {
      slashed.push(index);
    }
    segments[index] = segment;
    text += `/${encodeSegment(segment)}`;
  }
  return { ok: true, path: { text, segments, slashed } };
}

/**
 * Encodes decoded text as one path segment: all but `pchar` becomes `%XX`, a slash too. Lone surrogates become U+FFFD. Dot
 * segments have no encoded form (a URL parser resolves `%2E%2E` as well), so text from elsewhere than a canonical path is
 * to be asked `isDotSegment` first.
 */
export function encodeSegment(text: string): string {
  return unreserved.test(text)
    ? text
    : encodeURIComponent(text.toWellFormed()).replace(overEncoded, (code) => decodeURIComponent(code));
}

/** Whether a URL parser or a server behind it would take the decoded text, or a part of it between slashes, for `.` or `..`. */
export function isDotSegment(text: string): boolean {
  return text.includes('.') && dotSegment.test(text);
}

const slash = 0x2f;
/** Paths that are canonical already and hold no dot in front of a segment: nearly all. */
const plain = /^(?:\/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)+$/;
const plainSegment = /^[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*$/;
const unreserved = /^[A-Za-z0-9._~!'()*-]*$/;
/** What `encodeURIComponent` encodes although it is `pchar`: $ & + , : ; = @ */
const overEncoded = /%(?:24|26|2B|2C|3A|3B|3D|40)/g;
const dotSegment = /(?:^|[/\\])\.{1,2}(?:[/\\;]|$)/;
const control = /[\x00-\x1f\x7f-\x9f]/;

function splitSegments(pathname: string): string[] {
  return pathname.length === 1 ? [] : pathname.slice(1).split('/');
}

function decodeSegment(raw: string): string | null {
  if (!raw.includes('%')) {
    return raw.isWellFormed() ? raw : null;
  }
  try {
    const decoded = decodeURIComponent(raw);
    return decoded.isWellFormed() ? decoded : null;
  } catch {
    return null;
  }
}

function refuse(segment: string): PathRefusal | null {
  if (segment.includes('\0')) {
    return 'nul';
  }
  if (control.test(segment)) {
    return 'control';
  }
  if (segment.includes('\\')) {
    return 'backslash';
  }
  return isDotSegment(segment) ? 'dot-segment' : null;
}
