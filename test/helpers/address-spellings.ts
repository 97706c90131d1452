/** Addresses that a gateway must never call for somebody: loopback, private, link-local, metadata, reserved. */
const addresses4 = [
  ...['127.0.0.1', '127.127.127.127', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.254', '192.168.1.1'],
  ...['169.254.169.254', '169.254.170.2', '100.100.100.200', '192.0.0.192', '168.63.129.16', '198.18.0.1'],
  ...['224.0.0.1', '240.0.0.1', '255.255.255.255'],
];

const addresses6 = [
  ...[
    '::1',
    '::',
    'fd00:ec2::254',
    'fc00::1',
    'fe80::1',
    'fe80::5efe:7f00:1',
    'febf::1',
    'fec0::1',
    'ff02::1',
    '100::1',
  ],
  ...['2001:db8::1', '2001::1', '2001:10::1', '3fff::1', '5f00::1', '64:ff9b:1::7f00:1', '4000::1', 'e000::1'],
];

const names = [
  ...[
    'localhost',
    'LocalHost',
    'localhost.',
    'localhost..',
    'a.localhost',
    'a.b.localhost.',
    'ip6-localhost',
    'localhost.localdomain',
  ],
  ...[
    'ｌｏｃａｌｈｏｓｔ',
    'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ',
    'loca\u00adlhost',
    'local\u200bhost',
    '%6c%6f%63%61%6c%68%6f%73%74',
    'localhost%2e',
    'local\thost',
  ],
  ...[
    'intranet',
    'router',
    'printer.local',
    'nas.lan',
    'db.corp',
    'x.home.arpa',
    'x.onion',
    'wiki.intranet',
    'host.docker.internal',
  ],
  ...[
    'metadata',
    'metadata.google.internal',
    'METADATA.google.internal.',
    'metadata.goog',
    'instance-data',
    'metadata.azure.internal',
  ],
  ...[
    'instance-data.ec2.internal',
    'metadata.tencentyun.com',
    'metadata.packet.net',
    'rancher-metadata',
    'api.metadata.cloud.internal',
  ],
  ...[
    'kubernetes',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'vault.service.consul',
    'app.test',
  ],
  ...[
    'localtest.me',
    'app.localtest.me',
    'lvh.me',
    'x.lvh.me',
    'localho.st',
    'local.gd',
    '7f000001.c0a80001.rbndr.us',
    'lcl.host',
  ],
  ...['make-127.0.0.1-rebind-169.254.169.254-rr.1u.ms', 'a.127.0.0.1.1time.1.2.3.4.forever.x.rebind.network'],
];

const wildcardDomains = [
  'nip.io',
  'sslip.io',
  'xip.io',
  'traefik.me',
  'backname.io',
  'local-ip.co',
  'plex.direct',
  'NIP.IO',
  'nip.io.',
];

/** Every way that this file knows to write the address as a URL's host. */
export function spellings4(address: string): string[] {
  const parts = address.split('.').map(Number);
  const [a, b, c, d] = parts as [number, number, number, number];
  const value = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const bases = [
    (part: number) => String(part),
    (part: number) => `0x${part.toString(16)}`,
    (part: number) => `0${part.toString(8)}`,
  ];
  const hosts = [address];
  for (const write of bases) {
    hosts.push(
      write(value),
      `${write(a)}.${write((b << 16) | (c << 8) | d)}`,
      `${write(a)}.${write(b)}.${write((c << 8) | d)}`,
    );
    hosts.push(parts.map(write).join('.'));
  }
  // Every mixture of bases, one per part.
  for (let mixture = 0; mixture < 81; mixture++) {
    hosts.push(parts.map((part, index) => bases[Math.floor(mixture / 3 ** index) % 3]!(part)).join('.'));
  }
  hosts.push(
    ...[`0X${value.toString(16).toUpperCase()}`, `0x00000000${value.toString(16)}`, `0000000${value.toString(8)}`],
    parts.map((part) => `000${part.toString(8)}`).join('.'),
    parts.map((part) => `0x0000${part.toString(16)}`).join('.'),
    // Overflows, which careless parsers cut to the address.
    ...[
      String(value + 2 ** 32),
      `0x1${value.toString(16).padStart(8, '0')}`,
      parts.map((part) => part + 256).join('.'),
    ],
    ...[`${address}.`, `${address}..`, `${value}.`, `0x${value.toString(16)}.`, `.${address}`, `${address}.0`],
  );
  const digits: ((digit: number) => string)[] = [
    (digit) => String.fromCodePoint(0xff10 + digit),
    (digit) => (digit === 0 ? '⓪' : String.fromCodePoint(0x2460 + digit - 1)),
    (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit]!,
    (digit) => '₀₁₂₃₄₅₆₇₈₉'[digit]!,
    (digit) => String.fromCodePoint(0x1d7ce + digit),
    (digit) => String.fromCodePoint(0x1d7d8 + digit),
    (digit) => String.fromCodePoint(0x1d7ec + digit),
    (digit) => String.fromCodePoint(0x1fbf0 + digit),
    (digit) => String.fromCodePoint(0x0660 + digit),
  ];
  for (const digit of digits) {
    for (const dot of ['.', '．', '。', '｡']) {
      hosts.push(address.replace(/\d/g, (each) => digit(Number(each))).replaceAll('.', dot));
    }
    hosts.push(String(value).replace(/\d/g, (each) => digit(Number(each))));
  }
  hosts.push(
    ...['．', '。', '｡', '%2e', '%2E', '%EF%BC%8E', '%E3%80%82'].map((dot) => address.replaceAll('.', dot)),
    ...[percent(address), percent(String(value)), encodeURIComponent(fullWidth(address)), percent(percent(address))],
    ...['\u00ad', '\u200b', '\u2060', '\ufeff', '\t', '\n', '\r'].map((hidden) => address.replace('.', `.${hidden}`)),
    ...[`${address}%00`, `${address}%00.example.com`, `${address}%20`, `${address}%09`, `${address}%0d%0a`],
  );
  const hex = value.toString(16).padStart(8, '0');
  const [high, low] = [hex.slice(0, 4), hex.slice(4)];
  for (const tail of [address, `${high}:${low}`, `${high.toUpperCase()}:${low.toUpperCase()}`]) {
    hosts.push(
      ...[
        `[::ffff:${tail}]`,
        `[::FFFF:${tail}]`,
        `[0:0:0:0:0:ffff:${tail}]`,
        `[0000:0000:0000:0000:0000:ffff:${tail}]`,
      ],
      ...[`[::${tail}]`, `[0:0:0:0:0:0:${tail}]`, `[::ffff:0:${tail}]`, `[64:ff9b::${tail}]`, `[64:FF9B:1::${tail}]`],
      ...[`[fe80::5efe:${tail}]`, `[::ffff:${tail}%25lo]`, `[::ffff:${tail}%lo]`, `[2001:db8::${tail}]`],
    );
  }
  const hidden = ((0xffffffff ^ value) >>> 0).toString(16).padStart(8, '0');
  hosts.push(
    ...[
      `[2002:${high}:${low}::]`,
      `[2002:${high}:${low}::1]`,
      `[2001:0:4136:e378:8000:63bf:${hidden.slice(0, 4)}:${hidden.slice(4)}]`,
    ],
    ...wildcardDomains.flatMap((domain) => [
      ...[
        `${address}.${domain}`,
        `${address.replaceAll('.', '-')}.${domain}`,
        `${hex}.${domain}`,
        `app.${address}.${domain}`,
      ],
    ]),
  );
  return hosts;
}

function spellings6(address: string): string[] {
  const groups = expand(address);
  const full = groups.map((group) => group.toString(16).padStart(4, '0')).join(':');
  const last = `${groups[6]! >> 8}.${groups[6]! & 255}.${groups[7]! >> 8}.${groups[7]! & 255}`;
  return [
    ...[address, address.toUpperCase(), full, full.toUpperCase(), groups.map((group) => group.toString(16)).join(':')],
    ...[`${full.slice(0, 29)}:${last}`, `${address}%25eth0`, `${address}%eth0`, `${address}%251`, percent(address)],
  ].map((host) => `[${host}]`);
}

/** URLs around a host: schemes, slashes, ports, and user names that make a reader take another part for the host. */
function urlsOf(host: string): string[] {
  return [`http://${host}/`, `https://${host}/latest/meta-data/`, `http://${host}:8080/`];
}

function disguisesOf(host: string): string[] {
  return [
    ...[
      `http:${host}`,
      `http:/${host}`,
      `http:///${host}`,
      `http:\\\\${host}\\`,
      `HTTP://${host}`,
      ` http://${host} `,
      `ht\ntp://${host}/`,
    ],
    ...[
      `http://example.com@${host}/`,
      `http://example.com:80@${host}/`,
      `http://user:password@${host}/`,
      `http://${host}@example.com/`,
    ],
    ...[
      `http://${host}#@example.com/`,
      `http://${host}?@example.com/`,
      `http://${host}\\@example.com/`,
      `http://${host}:80\\@example.com`,
    ],
    ...[
      `http://example.com#@${host}/`,
      `http://example.com?@${host}/`,
      `http://example.com\\@${host}/`,
      `http://:@${host}/`,
    ],
    ...[
      `http://${host} &@example.com# @example.org/`,
      `http://example.com &@${host}# @example.org/`,
      `http://${host}:80:80/`,
    ],
    ...[
      `http://example.com%40${host}/`,
      `http://${host}%23.example.com/`,
      `http://${host}%2f.example.com/`,
      `//${host}/`,
    ],
    ...[
      `ftp://${host}/`,
      `gopher://${host}:6379/_`,
      `file://${host}/etc/passwd`,
      `ws://${host}/`,
      `data:text/plain,${host}`,
    ],
    ...[
      `blob:http://${host}/1`,
      `javascript://${host}/`,
      `dict://${host}:11211/stat`,
      `http://[${host}]/`,
      `http://${host}:0/`,
    ],
  ];
}

/** All URLs, each once: several thousand ways to reach what must not be reached, or to pretend to. */
export function privateSpellings(): string[] {
  const hosts = [...addresses4.flatMap(spellings4), ...addresses6.flatMap(spellings6), ...names];
  const disguised = [
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '169.254.169.254',
    '[::1]',
    '[::ffff:a9fe:a9fe]',
    'localhost',
  ];
  return [...new Set([...hosts.flatMap(urlsOf), ...disguised.flatMap(disguisesOf)])];
}

/** Hosts that anybody may call. */
export const publicUrls = [
  ...[
    'http://example.com/',
    'https://api.github.com/repos',
    'https://example.com:8443/',
    'http://sub.domain.example.org:8080/x',
  ],
  ...[
    'http://1.1.1.1/',
    'http://8.8.8.8:8080/',
    'http://9.255.255.255/',
    'http://11.0.0.0/',
    'http://100.63.255.255/',
    'http://100.128.0.0/',
  ],
  ...[
    'http://126.255.255.255/',
    'http://128.0.0.1/',
    'http://169.253.255.255/',
    'http://169.255.0.0/',
    'http://172.15.255.255/',
  ],
  ...[
    'http://172.32.0.0/',
    'http://192.167.255.255/',
    'http://192.169.0.0/',
    'http://198.17.255.255/',
    'http://198.20.0.0/',
  ],
  ...[
    'http://223.255.255.255/',
    'http://134744072/',
    'http://0x08.8.8.8/',
    'http://[2606:4700:4700::1111]/',
    'http://[2a00:1450::1]:8080/',
  ],
  ...[
    'https://xn--bcher-kva.example.net/',
    'https://bücher.de/',
    'https://localhost.example.com/',
    'https://nip.io.example.com/',
  ],
  ...[
    'https://internal.example.com/',
    'https://my-nip.io-shop.com/',
    'https://127.0.0.1.example.com/',
    'https://local.com/',
  ],
];

/** What the IANA registries of special-purpose addresses (and cloud metadata) say of a URL's host; null for a name. */
export function isPublicByRegistry(hostname: string): boolean | null {
  const six = hostname.startsWith('[');
  if (!six && !/^\d+\.\d+\.\d+\.\d+$/.test(hostname)) {
    return null;
  }
  const value = six ? toNumber(expand(hostname.slice(1, -1)), 16) : toNumber(hostname.split('.').map(Number), 8);
  const inside = ([start, length]: readonly [string, number]) => {
    const width = six ? 128 : 32;
    const base = six ? toNumber(expand(start), 16) : toNumber(start.split('.').map(Number), 8);
    return value >> BigInt(width - length) === base >> BigInt(width - length);
  };
  return six ? inside(['2000::', 3]) && !special6.some(inside) : !special4.some(inside);
}

const special4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['168.63.129.16', 32],
] as const;

const special6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const;

function expand(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [left, right] = [groups(head), groups(tail ?? '')];
  return tail === undefined ? left : [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function toNumber(parts: number[], bits: number): bigint {
  return parts.reduce((sum, part) => (sum << BigInt(bits)) | BigInt(part), 0n);
}

function percent(text: string): string {
  return Array.from(text, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
}

function fullWidth(text: string): string {
  return Array.from(text, (character) => String.fromCodePoint(character.charCodeAt(0) + 0xfee0)).join('');
}
