import ipaddr from 'ipaddr.js';

/** What stands for a client whose address nobody vouches for: a caller on this machine. */
export const loopback = '127.0.0.1';

/**
 * The client's address in canonical text, from the one header that the deployment trusts, since every other one is the
 * client's own word. A list (`X-Forwarded-For`) counts by its last element, which the nearest proxy wrote. Loopback without
 * such a header in the deployment or in the request, or with a value that is no address.
 */
export function clientAddress(headers: Headers, trustedHeader: string | undefined): string {
  const value = trustedHeader ? headers.get(trustedHeader) : null;
  return (value === null ? null : canonicalAddress(value.slice(value.lastIndexOf(',') + 1))) ?? loopback;
}

/**
 * An address in the one text form that bans, limits and logs compare: dotted IPv4, IPv6 as RFC 5952 writes it, IPv4-mapped
 * IPv6 as the IPv4 address inside. Brackets, a port and a zone are taken off. Null for anything else.
 */
export function canonicalAddress(text: string): string | null {
  const bare = withoutPort(text.trim());
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) {
    return bare;
  }
  const plain = bare.replace(/%.*$/, '');
  if (!plain.includes(':') || !ipaddr.IPv6.isValid(plain)) {
    return null;
  }
  const address = ipaddr.IPv6.parse(plain);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
}

/**
 * What limits count a caller by: an IPv4 address itself, of an IPv6 address its /64 (`2001:db8:1:2::/64`), because a single
 * subscriber is given a whole one. Text that is no address stands for itself.
 */
export function limitKey(address: string): string {
  const canonical = canonicalAddress(address);
  if (canonical === null || !canonical.includes(':')) {
    return canonical ?? address;
  }
  const parts = ipaddr.IPv6.parse(canonical).parts.slice(0, 4);
  return `${new ipaddr.IPv6([...parts, 0, 0, 0, 0]).toRFC5952String()}/64`;
}

/** `1.2.3.4:5678` and `[2001:db8::1]:5678`, as some proxies write. */
function withoutPort(text: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([^:]*):\d+$/.exec(text)?.[1] ?? text;
}
