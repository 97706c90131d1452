import { ApiError } from '../core/errors.ts';
import { encodeSegment } from '../lib/path.ts';
import { propertyName } from '../lib/property-name.ts';
import type { ActionInput } from './define.ts';
import type { UpstreamTarget } from './upstream-call.ts';

/** The url of an action, taken apart once: origin and literal text are fixed, only the slots between change per request. */
export interface UpstreamUrl {
  /** As configured, for messages and as the key of a composition. */
  text: string;
  origin: string;
  path: Part[];
  /** Query parameters that the url itself names. */
  query: { name: string; value: Part[] }[];
}

/** Literal text (canonical already) or the name of a path parameter, `:name`. */
type Part = { literal: string } | { slot: string };

/**
 * Takes an action's url apart. A relative one is appended to the connection's url, whose path stays a prefix; an absolute
 * one must have the connection's origin, because the connection's credentials go with it. `ws:` and `wss:` mean `http:`
 * and `https:`. Throws `not_configured`.
 */
export function compileUrl(text: string, base: string | null): UpstreamUrl {
  const written = text.trim();
  if (written === '') {
    throw misconfigured('The action has no url');
  }
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(written);
  if (!absolute && base === null) {
    throw misconfigured(`The url "${written}" is relative, and the action has no connection with a url`);
  }
  const root = base === null ? { origin: '', path: '' } : parseBase(base);
  const joined = absolute ? written : `${root.origin}${root.path}${/^[/?#]/.test(written) ? '' : '/'}${written}`;
  const [authority, rest] = split(joined);
  const slots: string[] = [];
  const marked = rest.replace(slotPattern, (_, name: string) => {
    slots.push(name);
    return marker(slots.length - 1);
  });
  let url: URL;
  try {
    url = new URL(authority.replace(/^ws/i, 'http') + marked);
  } catch {
    throw misconfigured(`The url "${written}" is not valid`);
  }
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    throw misconfigured(`The url "${written}" must be http or https, without user and password`);
  }
  if (base !== null && url.origin !== root.origin) {
    throw misconfigured(`The url "${written}" has another origin than the connection`);
  }
  const path = parts(url.pathname, slots);
  if (!absolute && !`${url.pathname}/`.startsWith(`${root.path}/`)) {
    throw misconfigured(`The url "${written}" leaves the path of the connection`);
  }
  if (count(path) !== (marked.split(/[?#]/, 1)[0]!.match(markers) ?? []).length) {
    throw misconfigured(`The url "${written}" must not contain ".." behind a parameter`);
  }
  const query = Array.from(url.searchParams, ([name, value]) => ({ name, value: parts(value, slots) }));
  return { text: written, origin: url.origin, path, query };
}

/**
 * The upstream URL of one request: path parameters in their slots, the request's query behind. What is configured (the
 * url's own query and `configured`) wins over the request's parameters of the same name. Whatever a parameter holds, origin
 * and literal path stay; what a URL parser would resolve (`..`) throws `invalid_path`.
 */
export function buildUrl(
  template: UpstreamUrl,
  input: ActionInput,
  configured: URLSearchParams | null,
): UpstreamTarget {
  let path = '';
  for (const part of template.path) {
    path += 'literal' in part ? part.literal : fill(part.slot, (name) => encoded(input, name));
  }
  const query = search(template, input, configured);
  if (plainPath.test(path) && plainQuery.test(query)) {
    // The parser would change nothing.
    return { origin: template.origin, href: `${template.origin}${path}${query === '' ? '' : '?'}${query}` };
  }
  const url = new URL(template.origin + path);
  if (url.origin !== template.origin || url.pathname !== path) {
    throw new ApiError('invalid_path', 'A path parameter holds a value that cannot be part of the upstream path');
  }
  url.search = query;
  return url;
}

/** Nothing that a URL parser encodes, decodes or resolves. */
const plainPath = /^(?:\/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)*\/?$/;
const plainQuery = /^[A-Za-z0-9._~!$&()*+,;=:@/?%-]*$/;

const slotPattern = /:([A-Za-z0-9_.-]+)/g;
/** Letters and digits only, so that no URL parser changes it. */
const marker = (index: number) => `posternslot${index}x`;
const markers = /posternslot(\d+)x/g;

function misconfigured(message: string): ApiError {
  return new ApiError('not_configured', message);
}

/** The connection's url; its path without a trailing slash, its query and fragment dropped. */
function parseBase(base: string): { origin: string; path: string } {
  try {
    const url = new URL(base.trim().replace(/^ws/i, 'http'));
    return { origin: url.origin, path: url.pathname.replace(/\/+$/, '') };
  } catch {
    throw misconfigured(`The url "${base}" of the connection is not valid`);
  }
}

/** Slots stand behind the authority only: `http://host:8080` holds none, and no parameter ever names a host. */
function split(url: string): [string, string] {
  const [authority] = /^[^:]+:\/\/[^/?#]*/.exec(url)!;
  return [authority, url.slice(authority.length)];
}

function parts(text: string, slots: readonly string[]): Part[] {
  return text
    .split(/(posternslot\d+x)/)
    .filter((piece) => piece !== '')
    .map((piece) => {
      const index = /^posternslot(\d+)x$/.exec(piece)?.[1];
      return index === undefined ? { literal: piece } : { slot: propertyName(slots[Number(index)]!) };
    });
}

function count(path: readonly Part[]): number {
  return path.filter((part) => 'slot' in part).length;
}

/** `:id.json` is the parameter `id.json` or else `id` followed by text; what names no parameter stays as it is written. */
function fill(slot: string, value: (name: string) => string | undefined): string {
  for (let name = slot; name !== ''; name = name.replace(/(?:^|[.-]+)[^.-]*$/, '')) {
    const found = value(name);
    if (found !== undefined) {
      return found + slot.slice(name.length);
    }
  }
  return `:${slot}`;
}

function encoded(input: ActionInput, name: string): string | undefined {
  if (input.encodedFragments !== undefined && Object.hasOwn(input.encodedFragments, name)) {
    return input.encodedFragments[name]!;
  }
  return Object.hasOwn(input.uriFragments, name) ? encodeSegment(String(input.uriFragments[name])) : undefined;
}

function search(template: UpstreamUrl, input: ActionInput, configured: URLSearchParams | null): string {
  const { query, search: written } = input.http;
  if (template.query.length === 0 && configured === null) {
    return written ?? query.toString();
  }
  const fixed = new URLSearchParams();
  for (const { name, value } of template.query) {
    const plain = (slot: string) =>
      fill(slot, (key) => (Object.hasOwn(input.uriFragments, key) ? String(input.uriFragments[key]) : undefined));
    fixed.append(name, value.map((part) => ('literal' in part ? part.literal : plain(part.slot))).join(''));
  }
  for (const name of new Set(configured?.keys() ?? [])) {
    fixed.delete(name);
  }
  for (const [name, value] of configured ?? []) {
    fixed.append(name, value);
  }
  const merged = new URLSearchParams();
  for (const [name, value] of query) {
    if (!fixed.has(name)) {
      merged.append(name, value);
    }
  }
  for (const [name, value] of fixed) {
    merged.append(name, value);
  }
  return merged.toString();
}
