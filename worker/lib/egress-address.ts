import ipaddr from 'ipaddr.js';
import { refusedName, refusedPorts } from './egress-names.ts';

/** Hosts that may be called although they are private: the meaning of `EGRESS_ALLOW`. */
export interface AllowList {
  /** Canonical host → ports; null is every port. */
  hosts: ReadonlyMap<string, ReadonlySet<number> | null>;
  /** Suffixes with their leading dot, of `*.name` entries. */
  suffixes: readonly string[];
  networks: readonly Network[];
}

export type TargetRefusal =
  /** Neither http nor https. */
  | 'scheme'
  /** A user name or password in the URL. */
  | 'credentials'
  /** No name that DNS could hold: empty labels, a trailing dot, over 253 characters. */
  | 'malformed-host'
  /** The gateway itself. */
  | 'own-host'
  /** An IP address outside the public ranges, or one that carries another address (mapped, NAT64, 6to4, Teredo). */
  | 'private-address'
  | 'single-label'
  | 'private-name'
  | 'metadata'
  | 'wildcard-dns'
  /** A well-known port of another protocol. */
  | 'port';

export type TargetResult = { ok: true } | { ok: false; reason: TargetRefusal };

/**
 * Judges where a request of the gateway may go: to public names and public addresses over http or https, and to what the
 * allow list names, but never to the gateway itself. Asks the host that the URL parser made, the one that is connected to, so
 * spellings of addresses (decimal, octal, full-width …) have no second reading. What a name resolves to is not seen here.
 *
 * `ownHosts`: as a URL's `host` writes them, `name` (then any port) or `name:port`; a loopback one stands for them all.
 */
export function checkTarget(url: URL, allow: AllowList, ownHosts: readonly string[]): TargetResult {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return refused('scheme');
  }
  if (url.username !== '' || url.password !== '') {
    return refused('credentials');
  }
  const host = url.hostname;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  const address = hostAddress(host);
  if (address === null && !isName(host)) {
    return refused('malformed-host');
  }
  if (ownHosts.some((own) => isOwn(own, host, port))) {
    return refused('own-host');
  }
  switch (allowed(allow, host, port, address)) {
    case 'host and port':
      return { ok: true };
    case 'host':
      return refusedPorts.has(port) ? refused('port') : { ok: true };
  }
  const reason = address === null ? refusedName(host) : isPublicAddress(address) ? null : 'private-address';
  if (reason !== null) {
    return refused(reason);
  }
  return refusedPorts.has(port) ? refused('port') : { ok: true };
}

/**
 * Reads a comma-separated list of `name`, `name:port`, `*.name`, `127.0.0.1`, `[::1]:8080` and networks `10.0.0.0/8`. An entry
 * without a port opens all but the well-known ports of other protocols. Throws an Error that names a bad entry.
 */
export function parseAllowList(text: string | undefined): AllowList {
  const hosts = new Map<string, Set<number> | null>();
  const suffixes: string[] = [];
  const networks: Network[] = [];
  for (const entry of (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')) {
    const network = entry.includes('/') ? parseNetwork(entry) : null;
    if (network !== null) {
      networks.push(network);
      continue;
    }
    const wildcard = entry.startsWith('*.');
    const target = parseHost(wildcard ? entry.slice(2) : entry);
    if (target === null || (wildcard && (target.port !== null || hostAddress(target.host) !== null))) {
      throw new Error(
        `"${entry}" is no host that can be allowed: write name, name:port, *.name, 127.0.0.1, [::1]:8080 or 10.0.0.0/8`,
      );
    }
    if (wildcard) {
      suffixes.push(`.${target.host}`);
    } else if (target.port === null) {
      hosts.set(target.host, null);
    } else if (hosts.get(target.host) !== null) {
      hosts.set(target.host, (hosts.get(target.host) ?? new Set()).add(target.port));
    }
  }
  return { hosts, suffixes, networks };
}

/** Whether an address is one of the public internet's: no loopback, private, local, shared, documentation or carrier range. */
function isPublicAddress(address: Address): boolean {
  if (address.range() !== 'unicast') {
    return false;
  }
  return address instanceof ipaddr.IPv4 ? !matches(address, azureWireServer) : matches(address, globalUnicast);
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** The one metadata address with a public look: Azure's wire server. */
const azureWireServer: Network = ipaddr.parseCIDR('168.63.129.16/32');
/** All that was ever given out (RFC 4291 §2.4); what lies outside is special or unassigned, as `::a.b.c.d`. */
const globalUnicast: Network = ipaddr.parseCIDR('2000::/3');
const loopbackHost = /^(?:127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|localhost|.*\.localhost)$/;

function refused(reason: TargetRefusal): TargetResult {
  return { ok: false, reason };
}

/** The address that a URL's host is, null for a name. */
function hostAddress(host: string): Address | null {
  if (host.startsWith('[')) {
    return ipaddr.IPv6.parse(host.slice(1, -1));
  }
  return ipaddr.IPv4.isValidFourPartDecimal(host) ? ipaddr.IPv4.parse(host) : null;
}

function isName(host: string): boolean {
  return host.length <= 253 && host.split('.').every((label) => label !== '' && label.length <= 63);
}

function isOwn(own: string, host: string, port: number): boolean {
  const colon = own.lastIndexOf(':');
  const named = colon > own.lastIndexOf(']') ? own.slice(0, colon) : own;
  if (named !== own && Number(own.slice(colon + 1)) !== port) {
    return false;
  }
  const name = named.toLowerCase();
  return name === host || (loopbackHost.test(name) && loopbackHost.test(host));
}

function allowed(
  allow: AllowList,
  host: string,
  port: number,
  address: Address | null,
): 'host and port' | 'host' | 'no' {
  const ports = allow.hosts.get(host);
  if (ports === null) {
    return 'host';
  }
  if (ports?.has(port)) {
    return 'host and port';
  }
  if (address === null) {
    return allow.suffixes.some((suffix) => host.endsWith(suffix)) ? 'host' : 'no';
  }
  return allow.networks.some((network) => matches(address, network)) ? 'host' : 'no';
}

function matches(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function parseNetwork(text: string): Network | null {
  try {
    return ipaddr.parseCIDR(text.replace(/[[\]]/g, ''));
  } catch {
    return null;
  }
}

/** `name`, `name:port`, `[v6]:port` or a bare IPv6 address, canonical as a URL's host. */
function parseHost(text: string): { host: string; port: number | null } | null {
  const bare = ipaddr.IPv6.isValid(text) ? `[${text}]` : text;
  const port = /:(\d{1,5})$/.exec(bare.replace(/^\[[^\]]*\]/, ''));
  const name = port === null ? bare : bare.slice(0, -port[0].length);
  if (!/^(?:\[[0-9a-f:.]+\]|[^\s/?#@:*\\[\]]+)$/i.test(name) || Number(port?.[1] ?? 0) > 65535) {
    return null;
  }
  const url = URL.parse(`http://${name}/`);
  return url === null || url.hostname === ''
    ? null
    : { host: url.hostname, port: port === null ? null : Number(port[1]) };
}
