import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../../worker/lib/path.ts';
import { parseRoutePath, type RouteSegment } from '../../worker/lib/route-path.ts';
import { createRouter } from '../../worker/lib/router.ts';

const numRuns = process.env.POSTERN_FULL ? 20_000 : 500;

interface Added {
  method: string;
  path: string;
  segments: RouteSegment[];
  value: number;
}

// Few words, so that routes overlap in every way.
const middle = fc.constantFrom('a', 'b', 'ab', 'a%20b', ':x', ':x', '$x<a>', '$x<^b>', '$x<[ab]{2}>', '$x<^[0-9]+$>');
const end = fc.oneof({ weight: 4, arbitrary: middle }, { weight: 1, arbitrary: fc.constant('*x') });
const routePath = fc
  .tuple(fc.array(middle, { maxLength: 3 }), fc.option(end, { nil: null }))
  .map(([middles, last]) => `/${(last === null ? middles : [...middles, last]).map(numbered).join('/')}`);
const method = fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'HEAD', 'OPTIONS');
const requestPath = fc.array(fc.constantFrom('a', 'b', 'ab', 'a b', 'ba', '1', 'a/b', 'c', ''), { maxLength: 5 });

function numbered(segment: string, index: number): string {
  return segment.replace(/^([:$*])x/, `$1x${index}`);
}

function rank(segment: RouteSegment): [number, number, string] {
  switch (segment.kind) {
    case 'static':
      return [0, 0, ''];
    case 'pattern':
      return [1, -segment.pattern.source.length, segment.pattern.source];
    case 'parameter':
      return [2, 0, ''];
    case 'rest':
      return [3, 0, ''];
  }
}

function compare(a: Added, b: Added, wanted: string): number {
  for (let index = 0; index < Math.min(a.segments.length, b.segments.length); index++) {
    const [left, right] = [rank(a.segments[index]!), rank(b.segments[index]!)];
    for (let part = 0; part < 3; part++) {
      if (left[part]! !== right[part]!) {
        return left[part]! < right[part]! ? -1 : 1;
      }
    }
  }
  return Number(b.method === wanted) - Number(a.method === wanted);
}

/** The parameters if the route has the path, segment by segment. */
function parametersOf({ segments }: Added, path: string[]): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const text = path[index];
    if (text === undefined || text === '') {
      return null;
    }
    if (segment.kind === 'rest') {
      return path.slice(index).includes('') ? null : { ...params, [segment.name]: path.slice(index).join('/') };
    }
    if (segment.kind === 'static' ? segment.text !== text : segment.kind === 'pattern' && !segment.pattern.test(text)) {
      return null;
    }
    if (segment.kind !== 'static') {
      params[segment.name] = text;
    }
  }
  return path.length === segments.length ? params : null;
}

/** The same rules as the router's, by looking at every route. */
function lookUp(routes: Added[], wanted: string, path: string[]): unknown {
  const slash = path.length > 1 && path.at(-1) === '';
  const bare = slash ? path.slice(0, -1) : path;
  const reached = routes.filter((route) => parametersOf(route, bare) !== null);
  const best = (name: string) =>
    reached
      .filter((route) => route.method === name || (name === 'HEAD' && route.method === 'GET'))
      .sort((a, b) => compare(a, b, name))[0];
  const takes = (route: Added | undefined) => route !== undefined && (!slash || route.segments.at(-1)?.kind === 'rest');
  const found = best(wanted);
  if (found !== undefined && takes(found)) {
    const params = parametersOf(found, bare)!;
    const last = found.segments.at(-1);
    return {
      value: found.value,
      params: slash && last?.kind === 'rest' ? { ...params, [last.name]: `${params[last.name]}/` } : params,
    };
  }
  const methods = new Set(reached.map((route) => route.method).filter((name) => takes(best(name))));
  for (const implied of methods.size === 0 ? [] : methods.has('GET') ? ['HEAD', 'OPTIONS'] : ['OPTIONS']) {
    methods.add(implied);
  }
  return [...methods].sort();
}

test('finds what looking at every route finds, while routes come and go', { timeout: 300_000 }, () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ method, path: routePath, drop: fc.constant(-1) }) },
    { weight: 1, arbitrary: fc.record({ method, path: routePath, drop: fc.nat(20) }) },
  );
  const steps = fc.array(step, { minLength: 1, maxLength: 25 });
  const requests = fc.array(fc.tuple(method, requestPath), { minLength: 10, maxLength: 20 });
  fc.assert(
    fc.property(steps, requests, (changes, lookups) => {
      const router = createRouter<number>();
      let routes: Added[] = [];
      for (const [value, change] of changes.entries()) {
        const gone = routes[change.drop];
        if (gone !== undefined) {
          routes = routes.filter((route) => route !== gone);
          expect(router.remove(gone.method, gone.path, gone.value)).toBe(true);
          expect(router.remove(gone.method, gone.path, gone.value)).toBe(false);
        } else {
          const result = parseRoutePath(change.path);
          const { segments } = result.ok ? result.route : { segments: [] };
          routes.push({ method: change.method, path: change.path, segments, value });
          router.add(change.method, change.path, value);
        }
      }
      expect(router.size).toBe(routes.length);
      for (const [wanted, path] of lookups) {
        const match = router.match(wanted, path);
        const found = match.found ? { value: match.value, params: { ...match.params } } : match.allow;
        expect([wanted, path, found]).toEqual([wanted, path, lookUp(routes, wanted, path)]);
      }
    }),
    { numRuns },
  );
});

describe('encodings', () => {
  const hex = (character: string) =>
    Array.from(new TextEncoder().encode(character), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const letters = (path: string, write: (letter: string, index: number) => string) =>
    [...path].map((letter, index) => (letter === '/' ? letter : write(letter, index))).join('');
  const segments = (path: string, write: (segment: string, index: number) => string) =>
    `/${path.slice(1).split('/').map(write).join('/')}`;
  const last = (path: string, write: (segment: string) => string) =>
    segments(path, (segment, index) => (index === path.split('/').length - 2 ? write(segment) : segment));

  /** The same path for every reader of RFC 3986: the same route with the same parameters. */
  const equal: ((path: string) => string)[] = [
    (path) => letters(path, hex),
    (path) => letters(path, (letter) => hex(letter).toUpperCase()),
    ...Array.from(
      { length: 12 },
      (_, at) => (path: string) => letters(path, (letter, index) => (index % 12 === at ? hex(letter) : letter)),
    ),
    (path) => segments(path, (segment) => hex(segment[0]!) + segment.slice(1)),
    (path) => segments(path, (segment) => segment.slice(0, -1) + hex(segment.at(-1)!)),
    (path) => last(path, hex),
    (path) => last(path, (segment) => hex(segment).toUpperCase()),
    (path) => segments(path, (segment, index) => (index % 2 === 0 ? hex(segment) : segment)),
    (path) => path.replace(/[a-z]/g, (letter) => hex(letter)),
    (path) => path.replace(/[0-9]/g, (digit) => hex(digit)),
  ];

  /** The same path for some reader: decoded twice, overlong, slashes merged, dots resolved, ends cut off. */
  const alike: ((path: string) => string)[] = [
    (path) => path.replaceAll('/', '%2f'),
    (path) => path.replaceAll('/', '%2F'),
    (path) => `/${path.slice(1).replaceAll('/', '%2f')}`,
    (path) => path.replaceAll('/', '//'),
    (path) => `/${path}`,
    (path) => `//${path}`,
    (path) => path.replaceAll('/', '\\'),
    (path) => `/${path.slice(1).replaceAll('/', '\\')}`,
    (path) => `/${path.slice(1).replaceAll('/', '%5c')}`,
    (path) => path.replaceAll('/', '/./'),
    (path) => path.replaceAll('/', '/%2e/'),
    (path) => path.replaceAll('/', '/x/../'),
    (path) => path.replaceAll('/', '/x/%2e%2e/'),
    (path) => path.replaceAll('/', '/x/.%2E/'),
    (path) => `/x/..${path}`,
    (path) => `/x%2f..${path}`,
    (path) => `/x/..;${path}`,
    (path) => `/..${path}`,
    (path) => `/.${path}`,
    (path) => `/%2e%2e%2f${path.slice(1)}`,
    (path) => `${path}/.`,
    (path) => `${path}/x/..`,
    (path) => `${path}/%2e`,
    (path) => `${path}/`,
    (path) => `${path}//`,
    (path) => `${path}%2f`,
    (path) => `${path}%5c`,
    (path) => `${path}\\`,
    (path) => `${path}%00`,
    (path) => `${path}\0.png`,
    (path) => `${path}%0a`,
    (path) => `${path}%0d%0a`,
    (path) => `${path}%`,
    (path) => `${path}%2`,
    (path) => `${path}%zz`,
    (path) => `${path}%c0%80`,
    (path) => path.replaceAll('/', '%c0%af'),
    (path) => `/${path.slice(1).replaceAll('/', '%e0%80%af')}`,
    (path) =>
      letters(path, (letter) => `%c${letter.charCodeAt(0) >> 6}%${((letter.charCodeAt(0) & 63) | 128).toString(16)}`),
    (path) => letters(path, (letter) => `%u00${letter.charCodeAt(0).toString(16)}`),
    (path) => `${path.slice(0, -1)}\t${path.slice(-1)}`,
    (path) => `${path}%7f`,
  ];

  /** Other text of the last or first segment, which some servers treat as the same: only where no wildcard takes it. */
  const loose: ((path: string) => string)[] = [
    (path) => path.toUpperCase(),
    (path) => letters(path, (letter) => hex(letter).replaceAll('%', '%25')),
    (path) => `${path};x=1`,
    (path) => `${path}%20`,
    (path) => `${path}.json`,
    (path) => `/;${path}`,
    (path) => path.replace('/', '/;a=b/'),
    (path) => letters(path, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0)),
  ];

  const routes: [route: string, request: string][] = [
    ['/backend/action', '/backend/action'],
    ['/backend/action/execute/:action_id', '/backend/action/execute/5'],
    ['/backend/action/$action_id<[0-9]+|^~>', '/backend/action/17'],
    ['/backend/action/$action_id<[0-9]+|^~>/commit', '/backend/action/~name/commit'],
    ['/backend/config', '/backend/config'],
    ['/consumer/login', '/consumer/login'],
    ['/users/me', '/users/me'],
    ['/users/:id', '/users/abc'],
    ['/users/:id/keys', '/users/abc/keys'],
    ['/users/:id/$key<^[a-f0-9]{4}$>', '/users/abc/0af3'],
    ['/files/*path', '/files/a/b/c'],
    ['/files/public', '/files/public'],
    ['/admin', '/admin'],
    ['/a%20b/%C3%BC', '/a b/ü'],
  ];
  const router = createRouter<string>();
  for (const [route] of routes) {
    router.add('GET', route, route);
  }
  const go = (path: string) => {
    const result = canonicalPath(path);
    if (!result.ok) {
      return { refused: result.reason };
    }
    // As the gateway does: no operation here allows an encoded slash.
    const match = router.match('GET', result.path.segments);
    return match.found && result.path.slashed.length === 0
      ? { route: match.value, params: { ...match.params } }
      : { refused: 'unknown' };
  };

  test('there are sixty', () => {
    expect(equal.length + alike.length + loose.length).toBeGreaterThanOrEqual(60);
  });

  test.each(routes)('%s', (route, request) => {
    const plain = go(request);
    expect(plain).toMatchObject({ route });
    for (const write of equal) {
      expect([write(request), go(write(request))]).toEqual([write(request), plain]);
    }
    for (const write of alike) {
      const found = go(write(request));
      expect([write(request), 'route' in found ? found.route : route]).toEqual([write(request), route]);
    }
  });

  test.each(routes.filter(([route]) => !/^\/users|^\/files/.test(route)))('%s, told loosely', (route, request) => {
    for (const write of loose) {
      const found = go(write(request));
      expect([write(request), 'route' in found ? found.route : route]).toEqual([write(request), route]);
    }
  });
});
