import { describe, expect, test } from 'vitest';
import { parseRoutePath } from '../../worker/lib/route-path.ts';
import { createRouter, type Router } from '../../worker/lib/router.ts';
import { createPlace, findPlace, makePlace, prunePlaces } from '../../worker/lib/router-tree.ts';

function routerOf(...routes: string[]): Router<string> {
  const router = createRouter<string>();
  for (const route of routes) {
    const [method, path] = route.split(' ') as [string, string];
    router.add(method, path, route);
  }
  return router;
}

function find(router: Router<string>, method: string, path: string) {
  const match = router.match(method, path === '/' ? [] : path.slice(1).split('/'));
  return match.found ? [match.value, { ...match.params }] : match.allow;
}

describe('precedence', () => {
  const routes = [
    ...[
      'GET /',
      'GET /a',
      'GET /a/b',
      'GET /a/:x',
      'GET /a/$n<^[0-9]+$>',
      'GET /a/$n<^1>',
      'GET /a/*rest',
      'GET /a/b/:x',
    ],
    ...['GET /a/:x/c', 'GET /a/b/c/d', 'POST /a/:x', 'PUT /a/*rest', 'GET /:x/y/z', 'DELETE /a/b', 'POST /p/$n<1>/q'],
  ];
  const table: [string, string, unknown][] = [
    ['GET', '/', ['GET /', {}]],
    ['GET', '/a', ['GET /a', {}]],
    ['GET', '/a/b', ['GET /a/b', {}]],
    ['GET', '/a/c', ['GET /a/:x', { x: 'c' }]],
    ['GET', '/a/17', ['GET /a/$n<^[0-9]+$>', { n: '17' }]],
    ['GET', '/a/1x', ['GET /a/$n<^1>', { n: '1x' }]],
    ['GET', '/a/b/c', ['GET /a/b/:x', { x: 'c' }]],
    ['GET', '/a/x/c', ['GET /a/:x/c', { x: 'x' }]],
    ['GET', '/a/b/c/d', ['GET /a/b/c/d', {}]],
    ['GET', '/a/b/c/e', ['GET /a/*rest', { rest: 'b/c/e' }]],
    ['GET', '/a/x/y/z', ['GET /a/*rest', { rest: 'x/y/z' }]],
    ['GET', '/a/y/z', ['GET /a/*rest', { rest: 'y/z' }]],
    ['GET', '/q/y/z', ['GET /:x/y/z', { x: 'q' }]],
    ['POST', '/a/b', ['POST /a/:x', { x: 'b' }]],
    ['PUT', '/a/b', ['PUT /a/*rest', { rest: 'b' }]],
    ['HEAD', '/a/b', ['GET /a/b', {}]],
    ['PATCH', '/a/b', ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']],
    ['OPTIONS', '/a/b', ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']],
    ['PATCH', '/a/x/y', ['GET', 'HEAD', 'OPTIONS', 'PUT']],
    ['PATCH', '/p/1/q', ['OPTIONS', 'POST']],
    ['PATCH', '/p/1', []],
    ['POST', '/', ['GET', 'HEAD', 'OPTIONS']],
    ['GET', '/b', []],
    ['GET', '/A', []],
    ['GET', '/b/y', []],
    ['GET', '//', []],
    ['GET', '//a', []],
    ['GET', '/a//b', []],
    ['GET', '/a//', []],
    ['GET', '//y/z', []],
  ];

  test.each(table)('%s %s', (method, path, expected) => {
    expect(find(routerOf(...routes), method, path)).toEqual(expected);
  });

  test('does not depend on the order of adding', () => {
    for (const order of [[...routes].reverse(), [...routes].sort(), [...routes].sort().reverse()]) {
      for (const [method, path, expected] of table) {
        expect(find(routerOf(...order), method, path)).toEqual(expected);
      }
    }
  });
});

describe('methods', () => {
  test('a HEAD route answers before GET at the same place, after GET at a nearer one', () => {
    const router = routerOf('GET /a', 'HEAD /a', 'GET /b', 'HEAD /:x');
    expect(find(router, 'HEAD', '/a')).toEqual(['HEAD /a', {}]);
    expect(find(router, 'HEAD', '/b')).toEqual(['GET /b', {}]);
    expect(find(router, 'HEAD', '/c')).toEqual(['HEAD /:x', { x: 'c' }]);
  });

  test('a route may have any method, which is told once', () => {
    const router = routerOf('OPTIONS /a', 'PURGE /a');
    expect(find(router, 'OPTIONS', '/a')).toEqual(['OPTIONS /a', {}]);
    expect(find(router, 'GET', '/a')).toEqual(['OPTIONS', 'PURGE']);
    expect(find(router, 'purge', '/a')).toEqual(['OPTIONS', 'PURGE']);
  });
});

describe('a trailing slash', () => {
  const router = routerOf('GET /a', 'GET /a/:x', 'PUT /a/*rest', 'GET /f/*rest', 'GET /f/a', 'POST /f/a');

  test.each<[string, string, unknown]>([
    ['GET', '/a/', []],
    ['GET', '/a/b/', ['OPTIONS', 'PUT']],
    ['PUT', '/a/b/', ['PUT /a/*rest', { rest: 'b/' }]],
    ['PUT', '/a/', []],
    ['GET', '/f/x/', ['GET /f/*rest', { rest: 'x/' }]],
    ['GET', '/f/x/y/', ['GET /f/*rest', { rest: 'x/y/' }]],
    ['HEAD', '/f/x/', ['GET /f/*rest', { rest: 'x/' }]],
    // Without the slash the exact route would answer, whose policy may be another: no way around it.
    ['GET', '/f/a/', []],
    ['GET', '/f/a//', []],
    ['GET', '/f/x//', []],
    ['GET', '/f/', []],
  ])('%s %s', (method, path, expected) => {
    expect(find(router, method, path)).toEqual(expected);
  });
});

describe('parameters', () => {
  test('keep the names of their own route', () => {
    const router = routerOf('GET /a/:id/:name', 'PUT /a/:key/:value');
    expect(find(router, 'GET', '/a/1/2')).toEqual(['GET /a/:id/:name', { id: '1', name: '2' }]);
    expect(find(router, 'PUT', '/a/1/2')).toEqual(['PUT /a/:key/:value', { key: '1', value: '2' }]);
  });

  test('are decoded text, and nothing is inherited', () => {
    const match = routerOf('GET /a/:constructor').match('GET', ['a', 'b/c d']);
    if (!match.found) {
      throw new Error('no match');
    }
    expect(match.params.constructor).toBe('b/c d');
    expect('toString' in match.params).toBe(false);
    expect(Object.keys(match.params)).toEqual(['constructor']);
  });

  test('static text is compared decoded, an encoded slash never equals a slash', () => {
    const router = routerOf('GET /a%20b/%C3%BC', 'GET /x/y');
    expect(find(router, 'GET', '/a b/ü')).toEqual(['GET /a%20b/%C3%BC', {}]);
    expect(router.match('GET', ['x/y'])).toEqual({ found: false, allow: [] });
  });
});

describe('changes', () => {
  test('routes that differ in parameter names only are one place', () => {
    const router = routerOf('GET /a/:x', 'GET /b/$x<1>', 'GET /c/*x');
    expect(router.conflicts('GET', '/a/:y')).toEqual(['GET /a/:x']);
    expect(router.conflicts('GET', '/b/$y<1>')).toEqual(['GET /b/$x<1>']);
    expect(router.conflicts('GET', '/c/*y')).toEqual(['GET /c/*x']);
    expect(router.conflicts('GET', '/%61/:y')).toEqual(['GET /a/:x']);
    expect(router.conflicts('PUT', '/a/:y')).toEqual([]);
    expect(router.conflicts('GET', '/b/$y<2>')).toEqual([]);
    expect(router.conflicts('GET', '/a')).toEqual([]);
    expect(router.conflicts('GET', '/a/x')).toEqual([]);
    expect(router.conflicts('GET', '/q/w/e')).toEqual([]);
  });

  test('of two values at one place the first is found, until it goes', () => {
    const router = createRouter<string>();
    router.add('GET', '/a/:x', 'first');
    router.add('GET', '/a/:y', 'second');
    expect(router.size).toBe(2);
    expect(router.conflicts('GET', '/a/:z')).toEqual(['first', 'second']);
    expect(find(router, 'GET', '/a/1')).toEqual(['first', { x: '1' }]);
    expect(router.remove('GET', '/a/:z', 'first')).toBe(true);
    expect(find(router, 'GET', '/a/1')).toEqual(['second', { y: '1' }]);
    expect(router.remove('GET', '/a/:z', 'first')).toBe(false);
    expect(router.size).toBe(1);
  });

  test('what is removed leaves no trace', () => {
    const routes = [
      'GET /',
      'GET /a/:x',
      'POST /a/:x',
      'GET /a/:x/b',
      'GET /a/$n<1>/c',
      'GET /a/$n<22>/c',
      'GET /a/*r',
      'GET /s/t',
    ];
    const router = routerOf(...routes);
    for (const route of routes) {
      const [method, path] = route.split(' ') as [string, string];
      expect(router.remove('PATCH', path, route)).toBe(false);
      expect(router.remove(method, path, `${route} `)).toBe(false);
      expect(router.remove(method, path, route)).toBe(true);
      expect(router.conflicts(method, path)).toEqual([]);
    }
    expect(router.size).toBe(0);
    for (const path of ['/', '/a/1', '/a/1/b', '/a/1/c', '/a/1/2/3', '/s/t']) {
      expect(find(router, 'PATCH', path)).toEqual([]);
    }
    router.add('GET', '/a/:x', 'again');
    expect(find(router, 'GET', '/a/1')).toEqual(['again', { x: '1' }]);
  });

  test('branches go with the last route below them, and no sooner', () => {
    const paths = ['/s', '/s/t', '/s/t/:x', '/s/$x<1>/u', '/s/$x<22>', '/s/$x<333>/*y', '/:x/:y', '/*x'].map((path) => {
      const result = parseRoutePath(path);
      return result.ok ? result.route : { text: '', segments: [] };
    });
    for (const order of [paths, [...paths].reverse()]) {
      const root = createPlace<string>();
      for (const path of order) {
        makePlace(root, path).routes = new Map([['GET', [{ value: path.text, names: [], rest: false }]]]);
      }
      for (const [index, path] of order.entries()) {
        prunePlaces(root, path);
        expect(findPlace(root, path)?.routes?.get('GET')).toMatchObject([{ value: path.text }]);
        findPlace(root, path)!.routes = null;
        prunePlaces(root, path);
        for (const later of order.slice(index + 1)) {
          expect(findPlace(root, later)?.routes?.get('GET')).toMatchObject([{ value: later.text }]);
        }
        if (!order.slice(index + 1).some((later) => later.text.startsWith(path.text))) {
          expect(findPlace(root, path)).toBe(null);
        }
      }
      expect(root).toEqual(createPlace());
    }
  });

  test('a path that is not valid is refused by name', () => {
    const router = createRouter<string>();
    expect(() => router.add('GET', '/a//b', 'x')).toThrow('no empty segments');
    expect(router.size).toBe(0);
  });
});
