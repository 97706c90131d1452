/** Why a text was refused. `position` is a byte offset for bytes and a character offset for text; `pointer` (RFC 6901) is where it happened, when that is known. */
export interface ScanFailure {
  ok: false;
  reason: 'size' | 'encoding' | 'syntax' | 'depth' | 'nodes' | 'duplicate';
  message: string;
  position: number;
  pointer: string | null;
}

export type Scanned = { ok: true; value: unknown; text: string } | ScanFailure;

export interface ScanLimits {
  /** Nested arrays and objects (default 64). */
  depth?: number;
  /** Values of any kind (default 100,000). */
  nodes?: number;
  /** Length of the input: bytes, or UTF-16 units of a text (default: unlimited). */
  size?: number;
}

/**
 * Parses JSON (RFC 8259) that comes from outside. One linear pass over the original goes before `JSON.parse`, so that
 * what is recursive later (validation, copying) cannot be made to overflow, and so that no two readers of the same bytes
 * disagree: strict UTF-8, no duplicate member names (compared after unescaping), no byte order mark.
 */
export function scanJson(input: Uint8Array | string, limits: ScanLimits = {}): Scanned {
  const size = limits.size ?? Number.POSITIVE_INFINITY;
  if (input.length > size) {
    return { ok: false, reason: 'size', message: `is longer than ${size} bytes`, position: size, pointer: null };
  }
  let text: string;
  if (typeof input === 'string') {
    text = input;
  } else {
    try {
      text = decoder.decode(input);
    } catch {
      const message = 'is not valid UTF-8';
      return { ok: false, reason: 'encoding', message, position: invalidUtf8(input), pointer: null };
    }
  }
  const failure = walk(text, limits.depth ?? 64, limits.nodes ?? 100_000);
  if (failure !== undefined) {
    return typeof input === 'string' ? failure : { ...failure, position: utf8Length(text, failure.position) };
  }
  return { ok: true, value: JSON.parse(text), text };
}

// `ignoreBOM` keeps the mark in the text, where it is a syntax error.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openArray = 0x5b;
const backslash = 0x5c;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** Above so many members an object's names move from a list that is searched into a set. */
const listed = 8;

/** One open array or object. Its names are places in the text and hashes of what stands there: most bodies need no more of them. */
interface Level {
  isObject: boolean;
  /** Names so far, and of the first `listed` of them where they begin, where they end (quotes included) and their hashes. */
  count: number;
  starts: number[];
  ends: number[];
  hashes: number[];
  /** All names, unescaped, where there are many or one of them is escaped. */
  set: Set<string> | null;
  /** The position of the current element in an array. */
  index: number;
}

/** The levels by depth, used anew by each walk: a walk never pauses. */
const levels: Level[] = [];

function enter(depth: number, isObject: boolean): Level {
  const known = levels[depth];
  if (known === undefined) {
    const level: Level = { isObject, count: 0, starts: [], ends: [], hashes: [], set: null, index: 0 };
    levels[depth] = level;
    return level;
  }
  known.isObject = isObject;
  known.count = 0;
  known.set = null;
  known.index = 0;
  return known;
}

function walk(text: string, maxDepth: number, maxNodes: number): ScanFailure | undefined {
  let level: Level | undefined;
  let depth = 0;
  let nodes = 0;
  let at = 0;
  const fail = (reason: ScanFailure['reason'], message: string, position: number): ScanFailure => {
    return { ok: false, reason, message, position, pointer: pointerOf(text, depth) };
  };
  const unexpected = (position: number): ScanFailure => {
    if (position >= text.length) {
      return fail('syntax', 'ends before it is complete', text.length);
    }
    return fail('syntax', `has an unexpected ${nameOf(text, position)}`, position);
  };

  for (;;) {
    // A value starts here.
    at = skipSpace(text, at);
    let code = text.charCodeAt(at);
    if (++nodes > maxNodes) {
      return fail('nodes', `has more than ${maxNodes} values`, at);
    }
    let entered = false;
    if (code === openObject || code === openArray) {
      if (depth === maxDepth) {
        return fail('depth', `is nested deeper than ${maxDepth} levels`, at);
      }
      level = enter(depth++, code === openObject);
      const close = code === openObject ? closeObject : closeArray;
      at = skipSpace(text, at + 1);
      code = text.charCodeAt(at);
      if (code !== close) {
        entered = true;
      }
    } else {
      const end = code === quote ? skipString(text, at) : skipScalar(text, at, code);
      if (end < 0) {
        return unexpected(~end);
      }
      at = end;
    }

    // After a value: close what ends here, then go on to the next one.
    for (;;) {
      if (!entered) {
        at = skipSpace(text, at);
        if (level === undefined) {
          return at === text.length ? undefined : unexpected(at);
        }
        code = text.charCodeAt(at);
        if (code === (level.isObject ? closeObject : closeArray)) {
          at++;
          level = --depth === 0 ? undefined : levels[depth - 1];
          continue;
        }
        if (code !== comma) {
          return unexpected(at);
        }
        at = skipSpace(text, at + 1);
        level.index++;
      }
      break;
    }
    if (level?.isObject) {
      if (text.charCodeAt(at) !== quote) {
        return unexpected(at);
      }
      const end = skipString(text, at);
      if (end < 0) {
        return unexpected(~end);
      }
      if (remember(level, text, at, end)) {
        return fail('duplicate', `has the member ${JSON.stringify(nameBetween(text, at, end))} twice`, at);
      }
      at = skipSpace(text, end);
      if (text.charCodeAt(at) !== colon) {
        return unexpected(at);
      }
      at++;
    }
  }
}

/** Adds the name between two places to an object's; true when it was there already. It is then the last one, for the pointer. */
function remember(level: Level, text: string, start: number, end: number): boolean {
  let hash = 0;
  let escaped = false;
  for (let at = start + 1; at < end - 1; at++) {
    const code = text.charCodeAt(at);
    escaped ||= code === backslash;
    hash = (Math.imul(hash, 31) + code) | 0;
  }
  if (level.set === null && (escaped || level.count === listed)) {
    level.set = new Set();
    for (let at = 0; at < level.count; at++) {
      level.set.add(nameBetween(text, level.starts[at]!, level.ends[at]!));
    }
  }
  const { count, set } = level;
  level.count = count + 1;
  level.starts[set === null ? count : listed] = start;
  level.ends[set === null ? count : listed] = end;
  if (set !== null) {
    return set.size === set.add(nameBetween(text, start, end)).size;
  }
  level.hashes[count] = hash;
  for (let at = 0; at < count; at++) {
    if (level.hashes[at] === hash && text.slice(level.starts[at], level.ends[at]) === text.slice(start, end)) {
      return true;
    }
  }
  return false;
}

/** The text between the quotes, unescaped. */
function nameBetween(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end - 1);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

function skipSpace(text: string, at: number): number {
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
      at++;
    } else {
      return at;
    }
  }
}

/** From an opening quote to after the closing one, or the complement (`~`) of where it breaks. */
function skipString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      return at + 1;
    }
    if (code === backslash) {
      const escaped = text.charCodeAt(at + 1);
      if (escaped === 0x75) {
        for (let digit = at + 2; digit < at + 6; digit++) {
          if (!isHex(text.charCodeAt(digit))) {
            return ~digit;
          }
        }
        at += 6;
      } else if (isSimpleEscape(escaped)) {
        at += 2;
      } else {
        return ~(at + 1);
      }
    } else if (code >= 0x20) {
      at++;
    } else {
      // A control character, or NaN: the end.
      return ~at;
    }
  }
}

/** `"`, `\`, `/`, `b`, `f`, `n`, `r`, `t`. */
function isSimpleEscape(code: number): boolean {
  switch (code) {
    case quote:
    case backslash:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}

function isHex(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x46) || (code >= 0x61 && code <= 0x66);
}

/** A number, `true`, `false` or `null`: the position after it, or the complement of where it breaks. */
function skipScalar(text: string, at: number, code: number): number {
  if (code === 0x74) {
    return skipWord(text, at, 'true');
  }
  if (code === 0x66) {
    return skipWord(text, at, 'false');
  }
  if (code === 0x6e) {
    return skipWord(text, at, 'null');
  }
  if (code === 0x2d) {
    code = text.charCodeAt(++at);
  }
  if (code === 0x30) {
    at++;
  } else {
    const end = skipDigits(text, at);
    if (end === at) {
      return ~at;
    }
    at = end;
  }
  if (text.charCodeAt(at) === 0x2e) {
    const end = skipDigits(text, at + 1);
    if (end === at + 1) {
      return ~end;
    }
    at = end;
  }
  const exponent = text.charCodeAt(at);
  if (exponent === 0x65 || exponent === 0x45) {
    const sign = text.charCodeAt(at + 1);
    const start = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1;
    const end = skipDigits(text, start);
    if (end === start) {
      return ~end;
    }
    at = end;
  }
  return at;
}

function skipDigits(text: string, at: number): number {
  for (;;) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      at++;
    } else {
      return at;
    }
  }
}

function skipWord(text: string, at: number, word: string): number {
  for (let index = 0; index < word.length; index++) {
    if (text.charCodeAt(at + index) !== word.charCodeAt(index)) {
      return ~(at + index);
    }
  }
  return at + word.length;
}

function pointerOf(text: string, depth: number): string {
  let pointer = '';
  for (const { isObject, count, set, starts, ends, index } of levels.slice(0, depth)) {
    if (!isObject) {
      pointer += `/${index}`;
    } else if (count > 0) {
      const last = set === null ? count - 1 : listed;
      pointer += `/${nameBetween(text, starts[last]!, ends[last]!).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    }
  }
  return pointer;
}

function nameOf(text: string, position: number): string {
  const code = text.codePointAt(position)!;
  const printable = code > 0x20 && code < 0x7f;
  return printable
    ? `character ${JSON.stringify(String.fromCodePoint(code))}`
    : `character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Bytes of the UTF-8 form of the first `end` units. */
function utf8Length(text: string, end: number): number {
  return new TextEncoder().encode(text.slice(0, end)).length;
}

/** The offset of the first byte that is not part of a well-formed sequence (Unicode 16, table 3-7). */
function invalidUtf8(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at]!;
    const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length === 0) {
      return at;
    }
    // The second byte has a narrower range after E0, ED, F0 and F4: no overlong forms, no surrogates, no more than U+10FFFF.
    const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    for (let index = 1; index < length; index++) {
      const byte = bytes[at + index];
      const fits = byte !== undefined && byte >= (index === 1 ? low : 0x80) && byte <= (index === 1 ? high : 0xbf);
      if (!fits) {
        return at;
      }
    }
    at += length;
  }
  return at;
}
