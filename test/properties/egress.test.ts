import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkTarget, parseAllowList } from '../../worker/lib/egress-address.ts';
import { isPublicByRegistry, spellings4 } from '../helpers/address-spellings.ts';

const numRuns = process.env.POSTERN_FULL ? 20_000 : 1500;

const nothing = parseAllowList('');
const allows = (url: URL) => checkTarget(url, nothing, []).ok;

/** All of the address space, and often the neighbourhood of its special ranges. */
const octet = fc.oneof(
  fc.nat(255),
  fc.constantFrom(0, 1, 9, 10, 11, 31, 63, 64, 99, 100, 126, 127, 128, 168, 169, 172, 175, 192, 198, 224, 254, 255),
);
const address4 = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
const group = fc.oneof(
  fc.nat(0xffff),
  fc.constantFrom(
    0,
    0,
    0,
    0,
    1,
    0x64,
    0xff9b,
    0xffff,
    0x100,
    0x2001,
    0x2002,
    0xdb8,
    0x2620,
    0x4f,
    0x8000,
    0x3fff,
    0x5f00,
    0xfc00,
    0xfe80,
    0xfec0,
    0xff02,
    0x1fff,
    0x2000,
  ),
);
const address6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((each) => each.toString(16)).join(':'));

test('an IPv4 target passes if the registries call it public', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(address4, (address) => {
      expect(allows(new URL(`http://${address}/`))).toBe(isPublicByRegistry(address));
    }),
    { numRuns },
  );
});

test('an IPv6 target passes if the registries call it public', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(address6, (address) => {
      expect(allows(new URL(`http://[${address}]/`))).toBe(isPublicByRegistry(`[${address}]`));
    }),
    { numRuns },
  );
});

test('every border of every range, one to each side', { timeout: 300_000 }, () => {
  const starts = [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '198.18.0.0/15',
    '224.0.0.0/3',
  ];
  for (const network of starts) {
    const [start, bits] = network.split('/') as [string, string];
    const first = start.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const end = first + 2 ** (32 - Number(bits)) - 1;
    for (const [value, expected] of [
      [first - 1, true],
      [first, false],
      [end, false],
      [end + 1, true],
    ] as const) {
      if (value >= 0 && value < 2 ** 32) {
        expect([value, allows(new URL(`http://${value}/`))]).toEqual([value, expected]);
      }
    }
  }
});

test('how an address is spelled changes nothing', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(address4, fc.nat(), (address, pick) => {
      const spellings = spellings4(address);
      const url = URL.parse(`http://${spellings[pick % spellings.length]}/`);
      if (url !== null && /^[\d.]+$/.test(url.hostname) && !url.hostname.endsWith('.')) {
        expect([url.href, url.hostname]).toEqual([url.href, address]);
        expect(allows(url)).toBe(isPublicByRegistry(address));
      } else if (url !== null) {
        // What carries an IPv4 address in another form is refused, whichever it carries.
        expect([url.href, allows(url)]).toEqual([url.href, false]);
      }
    }),
    { numRuns },
  );
});

test('an allowed network opens itself and nothing else', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(address4, fc.integer({ min: 1, max: 32 }), address4, (network, bits, address) => {
      const allow = parseAllowList(`${network}/${bits}`);
      const value = (text: string) => text.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
      const inside = value(network) >> BigInt(32 - bits) === value(address) >> BigInt(32 - bits);
      expect(checkTarget(new URL(`http://${address}/`), allow, []).ok).toBe(inside || isPublicByRegistry(address));
    }),
    { numRuns },
  );
});

test('names are judged by their end, label by label', { timeout: 300_000 }, () => {
  const label = fc.stringMatching(/^[a-w][a-z0-9-]{0,8}[a-z0-9]$/);
  const ending = fc.constantFrom(
    'local',
    'localhost',
    'internal',
    'home.arpa',
    'onion',
    'nip.io',
    'sslip.io',
    'metadata.goog',
    'test',
  );
  fc.assert(
    fc.property(fc.array(label, { maxLength: 3 }), ending, label, (labels, end, other) => {
      expect(allows(new URL(`https://${[...labels, end].join('.')}/`))).toBe(false);
      expect(
        allows(new URL(`https://${[...labels, `x${end}`.replaceAll('.', '-'), `${other}zz`, 'com'].join('.')}/`)),
      ).toBe(true);
      expect(allows(new URL(`https://${[...labels, end, `${other}zz`, 'com'].join('.')}/`))).toBe(true);
    }),
    { numRuns },
  );
});
