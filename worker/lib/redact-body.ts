import { mask, redactQuery, redactShapes } from './redact.ts';
import { isSecretName } from './secret-names.ts';

export interface BodyRedaction {
  /** Content-Type of the body; empty when unknown. */
  type?: string;
  /** RFC 6901 pointers of further members to mask; the segment `*` stands for any member or index. */
  pointers?: readonly string[];
  /** UTF-16 units that are kept (default 16,384). */
  limit?: number;
}

/** Longer bodies are not parsed: their beginning is searched as text. */
const parseLimit = 131_072;
const searchLimit = 65_536;
const depthLimit = 64;

/** A request body for a log: values masked by the names of members and fields, by pointers, and by what they look like. */
export function redactBody(text: string, options: BodyRedaction = {}): string {
  const type = (options.type ?? '').toLowerCase();
  const limit = options.limit ?? 16_384;
  const pointers = (options.pointers ?? []).map(pointerSegments);
  if (type.startsWith('multipart/')) {
    return `[${type.split(';')[0]!.trim()}, ${text.length} characters]`;
  }
  if (type.startsWith('application/x-www-form-urlencoded')) {
    return shorten(redactQuery(beginning(text)), limit, text.length);
  }
  const begin = text.trimStart().charAt(0);
  const looksLikeJson = /[/+]json\b/.test(type) || begin === '{' || begin === '[' || begin === '"';
  if (looksLikeJson && text.length <= parseLimit) {
    try {
      const shown = JSON.stringify(redactValue(JSON.parse(text), pointers, 0));
      return shorten(shown, limit, shown.length);
    } catch {
      // Not JSON after all, or broken: searched as text below.
    }
  }
  if (pointers.length > 0) {
    return `[withheld: not JSON, ${text.length} characters]`;
  }
  const searched = redactShapes(redactElements(redactMembers(beginning(text))));
  return shorten(searched, limit, text.length);
}

/** A parsed JSON value with secrets masked. `pointers` are what is left of the wanted ones on the way down. */
function redactValue(value: unknown, pointers: readonly string[][], depth: number): unknown {
  if (pointers.some((pointer) => pointer.length === 0)) {
    return mask;
  }
  if (typeof value === 'string') {
    return redactShapes(value);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (depth >= depthLimit) {
    return mask;
  }
  const below = (segment: string) =>
    pointers.filter(([first]) => first === segment || first === '*').map((pointer) => pointer.slice(1));
  if (Array.isArray(value)) {
    return value.map((item, index) => redactValue(item, below(String(index)), depth + 1));
  }
  const pair = namedValue(value as Record<string, unknown>);
  const shown: Record<string, unknown> = Object.create(null);
  for (const [name, member] of Object.entries(value)) {
    const secret =
      pair === null ? isSecretName(name) : pair.names.has(name) ? false : pair.secret || isSecretName(name);
    // A boolean or nothing is no secret: `requiresPassword: true`.
    const hide = secret && member !== null && typeof member !== 'boolean';
    shown[redactShapes(name)] = hide ? mask : redactValue(member, below(name), depth + 1);
  }
  return shown;
}

const nameMembers = ['name', 'key', 'header', 'field', 'param', 'parameter'];
const valueMembers = ['value', 'values', 'val', 'content', 'default'];

/** `{"name": "Authorization", "value": …}`: the name stands in a member of its own. */
function namedValue(object: Record<string, unknown>): { names: Set<string>; secret: boolean } | null {
  if (!valueMembers.some((member) => member in object)) {
    return null;
  }
  const names = nameMembers.filter(
    (member) => typeof object[member] === 'string' && (object[member] as string).length < 64,
  );
  if (names.length === 0) {
    return null;
  }
  return { names: new Set(names), secret: names.some((member) => isSecretName(object[member] as string)) };
}

/** Masks the members of JSON that cannot be parsed (cut, broken, several documents): keys are found by their colon. */
function redactMembers(text: string): string {
  const keys = /(["'])((?:(?!\1)[^\\]|\\.){0,128})\1\s{0,16}:\s{0,16}/gs;
  let shown = '';
  let from = 0;
  for (let found = keys.exec(text); found !== null; found = keys.exec(text)) {
    if (!isSecretName(unescapeJson(found[2]!))) {
      continue;
    }
    const end = valueEnd(text, keys.lastIndex);
    shown += `${text.slice(from, keys.lastIndex)}${mask}`;
    keys.lastIndex = from = end;
  }
  return shown + text.slice(from);
}

/** Where the JSON value that begins at `start` ends; the end of the text when it never does. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"' || character === "'") {
      at = stringEnd(text, at);
      if (depth === 0) {
        return Math.min(at + 1, text.length);
      }
    } else if (character === '{' || character === '[') {
      depth++;
    } else if (character === '}' || character === ']') {
      depth--;
      if (depth <= 0) {
        return depth < 0 ? at : at + 1;
      }
    } else if (depth === 0 && (character === ',' || character === '\n')) {
      return at;
    }
  }
  return text.length;
}

function stringEnd(text: string, start: number): number {
  const quote = text[start];
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') {
      at++;
    } else if (text[at] === quote) {
      return at;
    }
  }
  return text.length;
}

function unescapeJson(key: string): string {
  return key.replace(/\\u([0-9a-f]{4})/gi, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Masks what XML elements with secret names hold: `<password>…</password>`. */
function redactElements(text: string): string {
  if (!text.includes('</')) {
    return text;
  }
  const open = /<([\w:.-]{1,128})(?:\s[^<>]{0,2048})?>/g;
  let shown = '';
  let from = 0;
  for (let found = open.exec(text); found !== null; found = open.exec(text)) {
    const name = found[1]!.split(':').at(-1)!;
    if (!isSecretName(name)) {
      continue;
    }
    const close = text.indexOf(`</${found[1]}`, open.lastIndex);
    const end = close === -1 ? text.length : close;
    shown += `${text.slice(from, open.lastIndex)}${mask}`;
    open.lastIndex = from = end;
  }
  return shown + text.slice(from);
}

/** What is searched of a long text: half a token at the cut may look like none, so the last word goes. */
function beginning(text: string): string {
  if (text.length <= searchLimit) {
    return text;
  }
  let end = searchLimit;
  while (end > 0 && !/[\s"'&;,<>{}()[\]]/.test(text[end - 1]!)) {
    end--;
  }
  return text.slice(0, end);
}

function shorten(shown: string, limit: number, whole: number): string {
  return shown.length <= limit ? shown : `${shown.slice(0, limit)}… [${whole} characters]`;
}

function pointerSegments(pointer: string): string[] {
  const path = pointer === '' || pointer.startsWith('/') ? pointer : `/${pointer}`;
  return path
    .split('/')
    .slice(1)
    .map((segment) => segment.replace(/~1/g, '/').replace(/~0/g, '~'));
}
