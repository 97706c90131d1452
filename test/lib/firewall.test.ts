import { describe, expect, test } from 'vitest';
import { Firewall, forever, targetKey } from '../../worker/lib/firewall.ts';

const now = 1_800_000_000;

function rules(...given: [type: 'allow' | 'deny', target: string, until?: number][]): Firewall {
  const made = new Firewall();
  for (const [index, [type, target, until = forever]] of given.entries()) {
    made.set(String(index), { type, target: targetKey(target)!, until });
  }
  return made;
}

test.each([
  ['203.0.113.9/24', '203.0.113.0/24'],
  ['::ffff:203.0.113.9', '203.0.113.9'],
  ['::ffff:203.0.113.0/120', '203.0.113.0/24'],
  ['2001:DB8:0::1/32', '2001:db8::/32'],
  ['AS64500', 'asn:64500'],
  ['country:de', 'country:DE'],
])('%s is %s', (written, other) => {
  expect(targetKey(written)).toBe(targetKey(other));
  expect(targetKey(written)).not.toBeNull();
});

test.each([
  '',
  'x',
  '203.0.113',
  '203.0.113.9/33',
  '2001:db8::/129',
  '[::1]',
  '1.2.3.4:80',
  'fe80::1%eth0',
  'AS0',
  'country:DEU',
  '1.2.3.4/',
  '1.2.3.4/-1',
  '::ffff:1.2.3.4/90',
])('%j names nothing', (text) => {
  expect(targetKey(text)).toBeNull();
});

describe('a verdict', () => {
  test.each<[string, boolean, ReturnType<typeof rules>, string, object?]>([
    ['an address', true, rules(['deny', '203.0.113.9']), '203.0.113.9'],
    ['another address', false, rules(['deny', '203.0.113.9']), '203.0.113.8'],
    ['a network', true, rules(['deny', '203.0.113.128/25']), '203.0.113.200'],
    ['beside a network', false, rules(['deny', '203.0.113.128/25']), '203.0.113.100'],
    ['everybody', true, rules(['deny', '0.0.0.0/0']), '8.8.8.8'],
    ['everybody of the other family', false, rules(['deny', '0.0.0.0/0']), '2001:db8::1'],
    ['a network of IPv6', true, rules(['deny', '2001:db8::/33']), '2001:db8:7fff::1'],
    ['beside it', false, rules(['deny', '2001:db8::/33']), '2001:db8:8000::1'],
    ['allowed in a denied network', false, rules(['deny', '203.0.113.0/24'], ['allow', '203.0.113.9']), '203.0.113.9'],
    ['denied in an allowed network', false, rules(['deny', '203.0.113.9'], ['allow', '203.0.113.0/24']), '203.0.113.9'],
    ['a rule that is over', false, rules(['deny', '203.0.113.9', now - 1]), '203.0.113.9'],
    [
      'an allowance that is over',
      true,
      rules(['deny', '203.0.113.9'], ['allow', '203.0.113.9', now - 1]),
      '203.0.113.9',
    ],
    ['a country', true, rules(['deny', 'country:DE']), '203.0.113.9', { country: 'DE' }],
    [
      'an allowed network of a denied country',
      false,
      rules(['deny', 'country:DE'], ['allow', '203.0.113.0/24']),
      '203.0.113.9',
      { country: 'DE' },
    ],
    ['an autonomous system', true, rules(['deny', 'AS64500']), '203.0.113.9', { asn: 64500 }],
    ['nobody knows from where', false, rules(['deny', 'AS64500'], ['deny', 'country:DE']), '203.0.113.9'],
    ['the machine itself', false, rules(['deny', '127.0.0.1'], ['deny', '::1'], ['deny', '0.0.0.0/0']), '127.0.0.1'],
  ])('about %s: %s', (_about, denied, firewall, address, origin = {}) => {
    expect(firewall.denies(address, origin, now)).toBe(denied);
  });

  test('ends with the rule', () => {
    const firewall = rules(['deny', '203.0.113.0/24'], ['deny', '203.0.113.7/24']);
    firewall.delete('0');
    expect(firewall.denies('203.0.113.9', {}, now)).toBe(true);
    firewall.set('1', { type: 'deny', target: targetKey('198.51.100.0/24')!, until: now + 5 });
    expect(firewall.denies('203.0.113.9', {}, now)).toBe(false);
    firewall.sweep(now + 6);
    expect(firewall.denies('198.51.100.9', {}, now)).toBe(false);
  });
});
