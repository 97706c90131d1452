import { describe, expect, it } from 'vitest';
import type { OperationRecord } from '../../worker/core/records.ts';
import { chooseVersion } from '../../worker/gateway/choose-version.ts';
import { stabilityHeaders } from '../../worker/gateway/stability.ts';

const available = ['1.0.0', '1.2.0', '1.10.1', '2.0.0', '10.0.0'];
const choose = (headers: Record<string, string>, from = available) => chooseVersion(new Headers(headers), from);

describe('the version of a request', () => {
  it.each([
    [{}, null],
    [{ 'api-version': '1.2.0' }, '1.2.0'],
    [{ 'api-version': ' 1.2.0 ' }, '1.2.0'],
    [{ 'api-version': '1.2' }, null],
    [{ 'api-version': '3.0.0' }, null],
    [{ 'api-version': '1.2.0-beta' }, null],
    [{ accept: 'application/vnd.acme.v1+json' }, '1.10.1'],
    [{ accept: 'application/vnd.acme.v1.2+json' }, '1.2.0'],
    [{ accept: 'application/vnd.acme.v1.2.0+json' }, '1.2.0'],
    [{ accept: 'application/vnd.acme.v1' }, '1.10.1'],
    [{ accept: 'APPLICATION/VND.ACME.V2+JSON; charset=utf-8' }, '2.0.0'],
    [{ accept: 'application/vnd.acme.api.v10+json' }, '10.0.0'],
    [{ accept: 'application/vnd.acme.v3+json' }, null],
    [{ accept: 'application/vnd.acme.v1+xml' }, null],
    [{ accept: 'application/vnd.v1+json.acme' }, null],
    [{ accept: 'text/vnd.acme.v1+json' }, null],
    [{ accept: 'application/json, application/vnd.acme.v1+json;q=0.5, application/vnd.acme.v2+json;q=0.9' }, '2.0.0'],
    [{ accept: 'application/vnd.acme.v2+json;q=0, application/vnd.acme.v1+json;q=0.1' }, '1.10.1'],
    [{ accept: 'application/vnd.acme.v9+json, application/vnd.acme.v2+json;q=0.1' }, '2.0.0'],
    [{ 'api-version': '1.0.0', accept: 'application/vnd.acme.v2+json' }, '1.0.0'],
    [{ 'api-version': '9.9.9', accept: 'application/vnd.acme.v2+json' }, '2.0.0'],
  ] as [Record<string, string>, string | null][])('for %j is %s', (headers, version) => {
    expect(choose(headers)).toBe(version);
  });

  it('is the current one when there are no others', () => {
    expect(choose({ 'api-version': '1.0.0', accept: 'application/vnd.acme.v1+json' }, [])).toBeNull();
  });
});

describe('the headers of stability', () => {
  const headers = (stability: number, options: OperationRecord['options'] = null) =>
    Object.fromEntries(stabilityHeaders({ stability, options } as OperationRecord));

  it('name it as Fusio does', () => {
    expect([0, 1, 2, 3].map((stability) => headers(stability)['X-Stability'])).toEqual([
      'deprecated',
      'experimental',
      'stable',
      'legacy',
    ]);
  });

  it('date the deprecation (RFC 9745) and the end (RFC 8594)', () => {
    expect(headers(2)).toEqual({ 'X-Stability': 'stable' });
    expect(headers(0)).toEqual({ 'X-Stability': 'deprecated', Deprecation: '@0' });
    expect(headers(0, { deprecated: '2026-07-01T00:00:00Z', sunset: '2027-01-01' })).toEqual({
      'X-Stability': 'deprecated',
      Deprecation: '@1782864000',
      Sunset: 'Fri, 01 Jan 2027 00:00:00 GMT',
    });
    expect(headers(2, { sunset: 'soon' })).toEqual({ 'X-Stability': 'stable' });
  });
});
