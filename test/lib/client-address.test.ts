import { describe, expect, test } from 'vitest';
import { canonicalAddress, clientAddress, limitKey } from '../../worker/lib/client-address.ts';

describe('clientAddress', () => {
  const all = {
    'cf-connecting-ip': '192.0.2.1',
    'x-forwarded-for': '10.0.0.1, 192.0.2.2 , 192.0.2.3',
    'x-real-ip': '2001:DB8:0:0::1',
    'x-bad': '10.0.0.1, unknown',
    'x-empty': '',
  };

  test.each([
    ['CF-Connecting-IP', '192.0.2.1'],
    ['x-forwarded-for', '192.0.2.3'],
    ['X-Real-IP', '2001:db8::1'],
    ['X-Bad', '127.0.0.1'],
    ['X-Empty', '127.0.0.1'],
    ['X-Missing', '127.0.0.1'],
    ['', '127.0.0.1'],
    [undefined, '127.0.0.1'],
  ])('with %s trusted: %s', (trusted, expected) => {
    expect(clientAddress(new Headers(all), trusted)).toBe(expected);
  });
});

describe('canonicalAddress', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['192.0.2.1:8080', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:80', '192.0.2.1'],
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['::', '::'],
    ['', null],
    ['unknown', null],
    ['256.0.0.1', null],
    ['192.0.2', null],
    ['192.0.2.01', null],
    ['0x7f.0.0.1', null],
    ['2130706433', null],
    ['127.0.0.1%x', null],
    ['2001:db8::1::2', null],
    ['2001:db8::12345', null],
    ['[192.0.2.1', null],
    [':80', null],
    ['1.2.3.4, 5.6.7.8', null],
  ])('%j is %j', (text, expected) => {
    expect(canonicalAddress(text)).toBe(expected);
  });
});

describe('limitKey', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['2001:db8::1', '2001:db8::/64'],
    ['::1', '::/64'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['', ''],
    ['unknown', 'unknown'],
  ])('%s counts as %s', (address, expected) => {
    expect(limitKey(address)).toBe(expected);
  });
});
