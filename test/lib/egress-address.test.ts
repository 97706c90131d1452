import { describe, expect, test } from 'vitest';
import { checkTarget, parseAllowList } from '../../worker/lib/egress-address.ts';
import { isPublicByRegistry, privateSpellings, publicUrls } from '../helpers/address-spellings.ts';

const nothing = parseAllowList('');

function judge(url: string, allow = nothing, ownHosts: string[] = []): string {
  const result = checkTarget(new URL(url), allow, ownHosts);
  return result.ok ? 'ok' : result.reason;
}

describe('spellings of private and metadata addresses', () => {
  const urls = privateSpellings();
  const parsed = urls.flatMap((text) => URL.parse(text) ?? []);

  test('the generator makes thousands, and the parser turns most into a URL', () => {
    expect(urls.length).toBeGreaterThan(5000);
    expect(parsed.length).toBeGreaterThan(3000);
    const hosts = new Set(parsed.map((url) => url.hostname));
    for (const host of [
      '127.0.0.1',
      '169.254.169.254',
      '[::1]',
      '[::ffff:a9fe:a9fe]',
      '[64:ff9b::7f00:1]',
      'localhost',
    ]) {
      expect(hosts).toContain(host);
    }
  });

  test('none that is meant for a non-public address passes', () => {
    const passed = parsed.filter((url) => checkTarget(url, nothing, []).ok);
    // What passes is really another host: an overflow, a fragment, or a name of somebody's public domain.
    const allowedElsewhere = new Set(['example.com', 'example.org']);
    expect(
      passed
        .filter((url) => isPublicByRegistry(url.hostname) !== true && !allowedElsewhere.has(url.hostname))
        .map(String),
    ).toEqual([]);
  });

  test('every one that passes is public by the registry as well', () => {
    for (const url of parsed) {
      if (isPublicByRegistry(url.hostname) === false) {
        expect([url.href, checkTarget(url, nothing, []).ok]).toEqual([url.href, false]);
      }
    }
  });
});

describe('what may be called', () => {
  test.each(publicUrls)('%s', (url) => {
    expect(judge(url)).toBe('ok');
  });
});

describe('what may not be called', () => {
  test.each([
    ['ftp://example.com/', 'scheme'],
    ['ws://example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['http://user@example.com/', 'credentials'],
    ['http://:secret@example.com/', 'credentials'],
    ['http://example.com./', 'malformed-host'],
    ['http://localhost./', 'malformed-host'],
    ['http://a..example.com/', 'malformed-host'],
    [`http://${'a'.repeat(64)}.example.com/`, 'malformed-host'],
    [`http://${'abc.'.repeat(63)}example.com/`, 'malformed-host'],
    ['http://127.0.0.1/', 'private-address'],
    ['http://0/', 'private-address'],
    ['http://[::]/', 'private-address'],
    ['http://[::ffff:8.8.8.8]/', 'private-address'],
    ['http://[64:ff9b::808:808]/', 'private-address'],
    ['http://[2002:808:808::]/', 'private-address'],
    ['http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/', 'private-address'],
    ['http://168.63.129.16/', 'private-address'],
    ['http://router/', 'single-label'],
    ['http://localhost/', 'private-name'],
    ['http://a.b.local/', 'private-name'],
    ['http://metadata.google.internal/', 'private-name'],
    ['http://x.home.arpa/', 'private-name'],
    ['http://x.onion/', 'private-name'],
    ['http://metadata.goog/', 'metadata'],
    ['http://8.8.8.8.nip.io/', 'wildcard-dns'],
    ['http://NIP.io/', 'wildcard-dns'],
    ['http://example.com:22/', 'port'],
    ['http://example.com:6379/', 'port'],
    ['http://8.8.8.8:25/', 'port'],
    ['http://example.com:0/', 'port'],
  ])('%s: %s', (url, reason) => {
    expect(judge(url)).toBe(reason);
  });
});

describe('own hosts', () => {
  test.each([
    ['https://api.example.com/x', ['api.example.com'], 'own-host'],
    ['https://api.example.com:8443/x', ['api.example.com'], 'own-host'],
    ['https://API.example.com/x', ['Api.Example.com:443'], 'own-host'],
    ['http://api.example.com/x', ['api.example.com:443'], 'ok'],
    ['http://api.example.com:80/x', ['api.example.com:80'], 'own-host'],
    ['https://www.example.com/', ['api.example.com'], 'ok'],
    ['http://8.8.8.8/', ['8.8.8.8'], 'own-host'],
    ['http://[2606:4700::1111]:8080/', ['[2606:4700::1111]:8080'], 'own-host'],
    ['http://[2606:4700::1111]:8081/', ['[2606:4700::1111]:8080'], 'ok'],
    ['http://[2606:4700::1111]:8081/', ['[2606:4700::1111]'], 'own-host'],
  ])('%s with %j: %s', (url, ownHosts, expected) => {
    expect(judge(url, nothing, ownHosts)).toBe(expected);
  });

  test('a loopback gateway does not call itself under another loopback spelling, but its neighbours', () => {
    const allow = parseAllowList('127.0.0.1,localhost,[::1],0.0.0.0');
    for (const host of ['localhost', '127.0.0.1', '2130706433', '127.1', '[::1]', '0.0.0.0']) {
      expect(judge(`http://${host}:8787/`, allow, ['localhost:8787'])).toBe('own-host');
      expect(judge(`http://${host}:8788/`, allow, ['localhost:8787'])).toBe('ok');
    }
  });
});

test('a gateway with a public name may call a loopback neighbour', () => {
  expect(judge('http://localhost:8080/', parseAllowList('localhost'), ['api.example.com'])).toBe('ok');
});

describe('the allow list', () => {
  const allow = parseAllowList(
    ' 127.0.0.1, localhost:8080 ,localhost:22,[::1],*.corp.internal,10.1.0.0/16,[fd00::]/8,Nas.LAN, ::2,',
  );

  test.each([
    ['http://127.0.0.1/', 'ok'],
    ['http://127.0.0.1:9000/', 'ok'],
    ['http://2130706433:9000/', 'ok'],
    ['http://127.0.0.1:22/', 'port'],
    ['http://127.0.0.2/', 'private-address'],
    ['http://[::ffff:127.0.0.1]/', 'private-address'],
    ['http://localhost:8080/', 'ok'],
    ['http://localhost:22/', 'ok'],
    ['http://localhost/', 'private-name'],
    ['http://localhost:8081/', 'private-name'],
    ['http://localhost.:8080/', 'malformed-host'],
    ['http://a.localhost:8080/', 'private-name'],
    ['http://[::1]:1234/', 'ok'],
    ['http://[0:0::1]:1234/', 'ok'],
    ['http://[::2]/', 'ok'],
    ['http://a.b.corp.internal/', 'ok'],
    ['http://corp.internal/', 'private-name'],
    ['http://xcorp.internal/', 'private-name'],
    ['http://10.1.255.1/', 'ok'],
    ['http://10.2.0.1/', 'private-address'],
    ['http://[fd12::1]/', 'ok'],
    ['http://[fe80::1]/', 'private-address'],
    ['http://nas.lan/', 'ok'],
    ['http://user@127.0.0.1/', 'credentials'],
    ['ftp://127.0.0.1/', 'scheme'],
  ])('%s: %s', (url, expected) => {
    expect(judge(url, allow)).toBe(expected);
  });

  test('an entry without a port opens all, whatever stands beside it', () => {
    for (const text of ['localhost,localhost:1', 'localhost:1,localhost']) {
      expect(judge('http://localhost:8080/', parseAllowList(text))).toBe('ok');
    }
  });

  test.each([
    'http://localhost',
    'a b',
    'localhost:99999',
    'localhost:',
    '*.127.0.0.1',
    '*.x:80',
    '10.0.0.0/33',
    'user@localhost',
    '*',
    '[::1',
    'a/b',
  ])('refuses the entry %s by name', (entry) => {
    expect(() => parseAllowList(`127.0.0.1,${entry}`)).toThrow(entry);
  });

  test('knows ports up to 65535', () => {
    expect(judge('http://localhost:65535/', parseAllowList('localhost:65535'))).toBe('ok');
    expect(() => parseAllowList('localhost:65536')).toThrow('localhost:65536');
  });

  test('is empty without a setting', () => {
    expect(judge('http://127.0.0.1/', parseAllowList(undefined))).toBe('private-address');
    expect(judge('http://localhost/', parseAllowList(' , '))).toBe('private-name');
  });
});
