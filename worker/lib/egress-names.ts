/**
 * Endings of names that no public server can have: special use (RFC 6761, RFC 6762, RFC 7686, RFC 8375, ICANN's `internal`),
 * the collision-prone ones that companies use inside, and those of orchestrators and service meshes.
 */
const privateSuffixes = [
  ...[
    'localhost',
    'localdomain',
    'local',
    'internal',
    'intranet',
    'private',
    'corp',
    'home',
    'lan',
    'home.arpa',
    'onion',
  ],
  ...[
    'in-addr.arpa',
    'ip6.arpa',
    'test',
    'example',
    'invalid',
    'svc',
    'cluster',
    'consul',
    'docker',
    'workgroup',
    'domain',
  ],
];

/** Names of cloud metadata services that stand in public DNS or in a provider's resolver. */
const metadataNames = [
  'metadata.goog',
  'metadata.tencentyun.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
];

/**
 * Public domains whose names answer with an address that the name itself spells, or with a loopback one. Anybody can set up
 * another, so this list only stops the ready-made ones: what a name resolves to is the network's rule to judge.
 */
const wildcardDomains = [
  ...['nip.io', 'sslip.io', 'xip.io', 'xip.name', 'ip6.name', 'ipq.co', 'traefik.me', 'backname.io', 'plex.direct'],
  ...['local-ip.co', 'local-ip.sh', 'local-ip.medicmobile.org', 'localtest.me', 'lvh.me', 'vcap.me', 'lacolhost.com'],
  ...[
    'localho.st',
    'localh.st',
    'local.gd',
    'localdev.me',
    'fuf.me',
    'yoogle.com',
    'lcl.host',
    'smackaho.st',
    '42foo.com',
  ],
  ...['local.sisteminha.com', '127-0-0-1.org.uk', 'spoofed.burpcollaborator.net', 'bugbounty.dod.network'],
  ...['1u.ms', 'rbndr.us', 'rebind.network', 'rebind.it'],
];

/** Why a name may not be called, or null. The name is lower case, without a trailing dot. */
export function refusedName(name: string): 'single-label' | 'private-name' | 'metadata' | 'wildcard-dns' | null {
  if (endsIn(name, metadata)) {
    return 'metadata';
  }
  if (endsIn(name, suffixes)) {
    return 'private-name';
  }
  if (endsIn(name, wildcards)) {
    return 'wildcard-dns';
  }
  return name.includes('.') ? null : 'single-label';
}

const suffixes = new Set(privateSuffixes);
const metadata = new Set(metadataNames);
const wildcards = new Set(wildcardDomains);

function endsIn(name: string, endings: Set<string>): boolean {
  for (let at = 0; ; at = name.indexOf('.', at) + 1) {
    if (endings.has(name.slice(at))) {
      return true;
    }
    if (!name.includes('.', at)) {
      return false;
    }
  }
}

/**
 * Ports of well-known services that are not HTTP: the bad ports of the Fetch standard, and data stores, queues and remote
 * shells. A request to one of them can only be an attempt to speak to it in HTTP's clothes; all others are allowed.
 */
export const refusedPorts: ReadonlySet<number> = new Set([
  ...[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110,
  ],
  ...[
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540,
  ],
  ...[
    548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000,
    6566,
  ],
  ...[6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
  // SMB, syslog, rsync, SQL Server, Oracle, MQTT, MySQL, RDP, PostgreSQL, AMQP, VNC, Redis, Cassandra, memcached, MongoDB.
  ...[
    445, 873, 1433, 1434, 1521, 1883, 3306, 3389, 5432, 5671, 5672, 5900, 6379, 8883, 9042, 11211, 27017, 27018, 27019,
  ],
]);
