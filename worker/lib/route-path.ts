import { encodeSegment, isDotSegment } from './path.ts';
import { compilePattern, type SegmentPattern } from './route-path-pattern.ts';

/** One segment of a route: `static` text (decoded), `:name`, `$name<regex>` or `*name`. */
export type RouteSegment =
  | { kind: 'static'; text: string }
  | { kind: 'parameter'; name: string }
  | { kind: 'pattern'; name: string; pattern: SegmentPattern }
  | { kind: 'rest'; name: string };

/** A parsed path of Fusio's route syntax. */
export interface RoutePath {
  /** As written. */
  text: string;
  /** None for `/`. */
  segments: RouteSegment[];
}

/** What is wrong, and at which character of the path (from 0). `message` is a sentence that names both. */
export interface RoutePathFault {
  position: number;
  message: string;
}

export type RoutePathResult = { ok: true; route: RoutePath } | { ok: false; fault: RoutePathFault };

/**
 * Parses `/a/:x` (one segment), `/a/$x<[0-9]+>` (one segment in which the regular expression is found; it is not anchored by
 * itself) and `/a/*rest` (all that follows, at least one segment). Static text may be percent-encoded and is compared
 * decoded. Names are letters, digits, `_`, `-` and `.`, each used once.
 */
export function parseRoutePath(text: string): RoutePathResult {
  try {
    return { ok: true, route: { text, segments: parse(text) } };
  } catch (thrown) {
    if (thrown instanceof Fault) {
      return { ok: false, fault: { position: thrown.position, message: thrown.message } };
    }
    throw thrown;
  }
}

/** The names of the route's parameters, in order. */
export function parameterNames(route: RoutePath): string[] {
  return route.segments.flatMap((segment) => (segment.kind === 'static' ? [] : [segment.name]));
}

/**
 * The parameters that hold the given segments of a matched path: with `slashed` of a canonical path, the parameters that
 * must allow an encoded slash.
 */
export function parametersAt(route: RoutePath, indexes: readonly number[]): string[] {
  const names = new Set<string>();
  for (const index of indexes) {
    const segment = route.segments[Math.min(index, route.segments.length - 1)];
    if (segment !== undefined && segment.kind !== 'static') {
      names.add(segment.name);
    }
  }
  return [...names];
}

/**
 * The part of a matched canonical path that a parameter holds, still encoded, ready for an upstream URL: one segment, or
 * for `*rest` all that follow with their slashes (an encoded slash inside stays `%2F`). Null when the route has no such
 * parameter.
 */
export function encodedParameter(route: RoutePath, path: { text: string }, name: string): string | null {
  const index = route.segments.findIndex((segment) => segment.kind !== 'static' && segment.name === name);
  if (index === -1) {
    return null;
  }
  const encoded = path.text.slice(1).split('/');
  return route.segments[index]!.kind === 'rest' ? encoded.slice(index).join('/') : (encoded[index] ?? null);
}

/** One segment of an OpenAPI path in route syntax. `name` is the parameter that receives the segment; null for static text. */
export interface TemplateSegment {
  name: string | null;
  path: string;
  /** For a mixed segment, the regular expression that the whole segment has to match. */
  regex: string | null;
}

/**
 * Turns one segment of an OpenAPI path template (between slashes) into route syntax: text stays text, `{id}` becomes `:id`, and
 * a mixed one such as `{base}...{head}` becomes one `$base_head<^(.+)\.\.\.(.+)$>`. The parameter of a mixed segment holds the
 * whole segment, so an upstream URL is rebuilt by putting it where the segment stood. In names every character that is
 * no letter, digit or `_` becomes `_`. Null when braces are unbalanced or empty, or two parameters touch.
 */
export function segmentRegex(template: string): TemplateSegment | null {
  const parts = template.split(/(\{[^{}]+\})/);
  const texts = parts.filter((_, index) => index % 2 === 0);
  const names = parts
    .filter((_, index) => index % 2 === 1)
    .map((part) => part.slice(1, -1).replace(/[^A-Za-z0-9_]/g, '_'));
  if (texts.some((text) => /[{}]/.test(text)) || texts.slice(1, -1).includes('')) {
    return null;
  }
  if (names.length === 0) {
    return { name: null, path: staticText(template), regex: null };
  }
  if (names.length === 1 && texts.every((text) => text === '')) {
    return { name: names[0]!, path: `:${names[0]}`, regex: null };
  }
  const name = names.join('_');
  const regex = `^${texts.map((text) => escapeRegex(decodeLeniently(text))).join('(.+)')}$`;
  return { name, path: `$${name}<${regex}>`, regex };
}

class Fault extends Error {
  readonly position: number;

  constructor(position: number, rule: string) {
    super(`${rule} (at character ${position + 1} of the path)`);
    this.position = position;
  }
}

function parse(text: string): RouteSegment[] {
  if (!text.startsWith('/')) {
    throw new Fault(0, 'A path starts with "/"');
  }
  const odd = /[^!-~]/.exec(text);
  if (odd !== null) {
    throw new Fault(odd.index, 'A path consists of the characters "!" to "~"; others are percent-encoded');
  }
  if (text === '/') {
    return [];
  }
  const raw = text.slice(1).split('/');
  const names = new Set<string>();
  let position = 1;
  return raw.map((part, index) => {
    const start = position;
    position += part.length + 1;
    const segment = parseSegment(part, start);
    if (segment.kind !== 'static') {
      if (names.has(segment.name)) {
        throw new Fault(start, `The parameter name "${segment.name}" is used twice`);
      }
      names.add(segment.name);
    }
    if (segment.kind === 'rest' && index !== raw.length - 1) {
      throw new Fault(start, `"*${segment.name}" takes the rest of the path, so nothing can follow it`);
    }
    return segment;
  });
}

function parseSegment(part: string, start: number): RouteSegment {
  if (part === '') {
    throw new Fault(start, 'A path has no empty segments');
  }
  switch (part[0]) {
    case ':':
      return { kind: 'parameter', name: parameterName(part.slice(1), start + 1) };
    case '*':
      return { kind: 'rest', name: parameterName(part.slice(1), start + 1) };
    case '$': {
      const open = part.indexOf('<');
      if (open === -1 || !part.endsWith('>')) {
        throw new Fault(
          start,
          'A parameter with a regular expression is written "$name<regex>", and the expression holds no "/"',
        );
      }
      const name = parameterName(part.slice(1, open), start + 1);
      const source = part.slice(open + 1, -1);
      if (source === '') {
        throw new Fault(start + open + 1, `The regular expression of "${name}" is empty; write ":${name}"`);
      }
      const result = compilePattern(source);
      if (!result.ok) {
        throw new Fault(start + open + 1, `In the segment "${part}", ${result.message}`);
      }
      return { kind: 'pattern', name, pattern: result.pattern };
    }
    default:
      return { kind: 'static', text: staticSegment(part, start) };
  }
}

function parameterName(name: string, start: number): string {
  if (name === '') {
    throw new Fault(start, 'A parameter needs a name');
  }
  const odd = /[^A-Za-z0-9_.-]/.exec(name);
  if (odd !== null) {
    throw new Fault(start + odd.index, `The parameter name "${name}" may hold letters, digits, "_", "-" and "." only`);
  }
  if (name === '__proto__') {
    throw new Fault(start, 'A parameter cannot be named "__proto__"');
  }
  return name;
}

/** Static text is compared with decoded segments; what no canonical path can hold would be a route that nothing reaches. */
function staticSegment(part: string, start: number): string {
  const odd = /[?#\\]|[{}]/.exec(part);
  if (odd !== null) {
    const rules: Record<string, string> = {
      '?': 'A path ends before "?": query parameters are declared apart',
      '#': 'A path ends before "#"; as a plain character it is written "%23"',
      '\\': 'A path holds no backslash',
    };
    throw new Fault(
      start + odd.index,
      rules[odd[0]] ?? 'A parameter is written ":name"; a plain brace is written "%7B" or "%7D"',
    );
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(part);
  } catch {
    throw new Fault(
      start + part.indexOf('%'),
      'A "%" starts a percent-encoded UTF-8 character; the sign itself is written "%25"',
    );
  }
  if (/[\x00-\x1f\x7f-\x9f/\\]/.test(decoded)) {
    throw new Fault(
      start + part.indexOf('%'),
      'Static text holds no control characters, slashes or backslashes, also not encoded',
    );
  }
  if (isDotSegment(decoded)) {
    throw new Fault(start, 'A path has no "." and ".." segments');
  }
  return decoded;
}

/** Text of an OpenAPI path as a static segment: encoded, and so that it is not taken for a parameter. */
function staticText(text: string): string {
  const encoded = encodeSegment(decodeLeniently(text));
  return /^[:$*]/.test(encoded) ? `%${encoded.charCodeAt(0).toString(16).toUpperCase()}${encoded.slice(1)}` : encoded;
}

function decodeLeniently(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Everything but letters, digits, `_` and `-` escaped, so that the expression fits into a route path and means the text. */
function escapeRegex(text: string): string {
  return Array.from(text, (character) => {
    if (/[A-Za-z0-9_-]/.test(character)) {
      return character;
    }
    return /[!-.:-~]/.test(character)
      ? `\\${character}`
      : `\\x{${character.codePointAt(0)!.toString(16).toUpperCase()}}`;
  }).join('');
}
