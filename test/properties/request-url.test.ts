import fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestUrl } from '../../worker/lib/request-url.ts';

const numRuns = process.env.POSTERN_FULL ? 50_000 : 3000;

const seen = (url: ReturnType<typeof requestUrl>) => ({
  origin: url.origin,
  host: url.host,
  pathname: url.pathname,
  search: url.search,
  searchParams: [...url.searchParams],
});

const host = fc.oneof(
  fc.constantFrom('api.example', 'API.Example:443', '127.0.0.1:8080', '127.1', '0x7f.1:80', '2130706433', '[::1]:99'),
  fc.constantFrom(
    'user@api.example',
    'xn--bcher-kva.example',
    'a..b',
    'api.example:',
    'api.example:0080',
    'bücher.example',
  ),
);
/** Characters that are harmless, and ones that the parser encodes, resolves, drops or stops at. */
const character = fc.constantFrom(...'aZ09._~!$&\'()*+,;=:@-/%2eE?[]{}|\\^`"<> #é\t', '%2e', '%2E', '..', '/./');
const text = fc.array(character, { maxLength: 12 }).map((parts) => parts.join(''));

test('says of every URL what the URL parser says', () => {
  fc.assert(
    fc.property(fc.constantFrom('http://', 'https://', 'HTTP://'), host, text, text, (scheme, site, path, query) => {
      for (const url of [`${scheme}${site}/${path}`, `${scheme}${site}/${path}?${query}`, `${scheme}${site}${path}`]) {
        const parsed = URL.parse(url);
        if (parsed === null) {
          expect(() => requestUrl(url)).toThrow(TypeError);
        } else {
          expect(seen(requestUrl(url))).toEqual(seen(parsed));
        }
      }
    }),
    { numRuns },
  );
});
