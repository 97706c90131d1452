import ipaddr from 'ipaddr.js';
import { canonicalAddress } from './client-address.ts';

/** Where a caller comes from, as the platform tells it (never the caller): ISO 3166 code, number of the autonomous system. */
export interface Origin {
  country?: string;
  asn?: number;
}

/** What the platform says beside a request, as far as it is what it should be. */
export function originOf(told: object | undefined): Origin {
  const { country, asn } = (told ?? {}) as { country?: unknown; asn?: unknown };
  return { ...(typeof country === 'string' && { country }), ...(typeof asn === 'number' && { asn }) };
}

export interface FirewallRule {
  type: 'allow' | 'deny';
  /** As `targetKey` gives it. */
  target: string;
  /** Seconds since the epoch. */
  until: number;
}

/** A rule without an end: the last second of the year 9999. */
export const forever = 253_402_300_799;

/**
 * What a rule is about in the one form that rules are looked up by: an address `203.0.113.9`, a network `203.0.113.0/24`, a
 * country `country:DE`, an autonomous system `asn:64500` or `AS64500`. Bits behind a network's prefix do not matter. Null for
 * anything else.
 */
export function targetKey(text: string): string | null {
  const country = /^country:\s*([a-z][a-z0-9])$/i.exec(text.trim());
  if (country !== null) {
    return `country:${country[1]!.toUpperCase()}`;
  }
  const system = /^(?:asn:\s*(?:AS)?|AS)(\d{1,10})$/i.exec(text.trim());
  if (system !== null) {
    return Number(system[1]) > 0 && Number(system[1]) < 2 ** 32 ? `asn:${Number(system[1])}` : null;
  }
  const [, written, prefix] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text.trim()) ?? [];
  // A port or a zone would be taken off: neither belongs into a rule.
  const plain = written !== undefined && (!written.includes(':') || ipaddr.IPv6.isValid(written));
  const address = plain ? canonicalAddress(written) : null;
  if (address === null) {
    return null;
  }
  const bytes = bytesOf(address);
  // An IPv4-mapped network counts the bits of IPv6.
  const mapped = written!.includes(':') && bytes.length === 4 ? 96 : 0;
  const bits = prefix === undefined ? bytes.length * 8 : Number(prefix) - mapped;
  return bits >= 0 && bits <= bytes.length * 8 ? networkKey(bytes, bits) : null;
}

/** The rules of a tenant. A verdict costs a look-up for each length of prefix that is in use, however many rules there are. */
export class Firewall {
  readonly #rules = new Map<string, FirewallRule>();
  /** Target → ids of the rules about it. */
  readonly #byTarget = new Map<string, Set<string>>();
  /** Prefix lengths in use, by address length in bytes, with how many rules use them. */
  readonly #lengths = new Map<number, Map<number, number>>();

  set(id: string, rule: FirewallRule): void {
    this.delete(id);
    this.#rules.set(id, rule);
    const ids = this.#byTarget.get(rule.target) ?? new Set();
    this.#byTarget.set(rule.target, ids.add(id));
    this.#count(rule.target, 1);
  }

  delete(id: string): void {
    const rule = this.#rules.get(id);
    if (rule === undefined) {
      return;
    }
    this.#rules.delete(id);
    const ids = this.#byTarget.get(rule.target)!;
    ids.delete(id);
    if (ids.size === 0) {
      this.#byTarget.delete(rule.target);
    }
    this.#count(rule.target, -1);
  }

  get empty(): boolean {
    return this.#rules.size === 0;
  }

  /** Forgets what is over; `now` in seconds. */
  sweep(now: number): void {
    for (const [id, { until }] of this.#rules) {
      if (until < now) {
        this.delete(id);
      }
    }
  }

  /** Whether a rule denies the caller and none allows him. Callers of the machine itself are never denied. `now` in seconds. */
  denies(address: string, origin: Origin, now: number): boolean {
    if (this.empty) {
      return false;
    }
    const canonical = canonicalAddress(address);
    if (canonical === null || isLoopback(canonical)) {
      return false;
    }
    const bytes = bytesOf(canonical);
    const targets = [...(this.#lengths.get(bytes.length)?.keys() ?? [])].map((bits) => networkKey(bytes, bits));
    if (origin.country !== undefined) {
      targets.push(`country:${origin.country}`);
    }
    if (origin.asn !== undefined) {
      targets.push(`asn:${origin.asn}`);
    }
    let denied = false;
    for (const target of targets) {
      for (const id of this.#byTarget.get(target) ?? []) {
        const { type, until } = this.#rules.get(id)!;
        if (until > now && type === 'allow') {
          return false;
        }
        denied ||= until > now;
      }
    }
    return denied;
  }

  #count(target: string, change: 1 | -1): void {
    const [, family, bits] = /^ip(\d+)\/(\d+)\//.exec(target) ?? [];
    if (family === undefined) {
      return;
    }
    const lengths = this.#lengths.get(Number(family)) ?? new Map<number, number>();
    this.#lengths.set(Number(family), lengths);
    const used = (lengths.get(Number(bits)) ?? 0) + change;
    used === 0 ? lengths.delete(Number(bits)) : lengths.set(Number(bits), used);
  }
}

/** A caller on the machine itself, whose address nobody vouched for. */
export function isLoopback(address: string): boolean {
  return address === '' || address === '::1' || address.startsWith('127.');
}

function bytesOf(address: string): number[] {
  return ipaddr.parse(address).toByteArray();
}

/** `ip4/24/cb007100`: bytes of the address, bits of the prefix, the network in hex. */
function networkKey(bytes: readonly number[], bits: number): string {
  let text = '';
  for (const [index, byte] of bytes.entries()) {
    const kept = Math.max(0, Math.min(8, bits - index * 8));
    text += (byte & (0xff00 >> kept) & 0xff).toString(16).padStart(2, '0');
  }
  return `ip${bytes.length}/${bits}/${text}`;
}
