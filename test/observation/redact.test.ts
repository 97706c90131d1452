import { describe, expect, test } from 'vitest';
import { cut, printable, printableLines } from '../../worker/lib/printable.ts';
import { redactHeaders, redactPath, redactQuery, redactText } from '../../worker/lib/redact.ts';
import { redactBody } from '../../worker/lib/redact-body.ts';
import { isSecretName } from '../../worker/lib/secret-names.ts';

/** Canaries: short and long, words and noise, with characters that every encoding writes differently. */
const secrets = [
  'hunter2',
  'Tr0ub4dor&3',
  'pa ss+w/o=r%d',
  'käse-密码-🔑',
  'a"b\'c\\d',
  'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ',
  '4f3c2b1a0e9d8c7b6a5f4e3d2c1b0a99',
  'ghp_CanaryCanaryCanaryCanary123456',
  'sk_live_51CanaryCanaryCanary',
  'Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg==',
  'x'.repeat(3000),
  '000000',
];

/** Secrets that need no name to be known as such. */
const shaped = secrets.filter((secret) => /^(?:eyJ|4f3c|ghp_|sk_live|Zm9v)/.test(secret));

const names = `
  password Password PASSWD pwd user_password userPassword new-password dbPass passphrase token access_token
  accessToken refresh_token id_token X-Auth-Token csrfToken token[] secret client_secret clientSecret
  app-secret aws_secret_access_key shared.secret key api_key apiKey APIKEY x-api-key subscription-key appKey
  private_key keys code authCode verification_code user_code otp totp pin mfa sig signature X-Amz-Signature
  session sessionid PHPSESSID sid connect.sid jwt bearer credential credentials client_assertion code_verifier
  cvv card_number user[password] login[credentials][pin] ticket hmac ｐａｓｓｗｏｒｄ Passwort contraseña пароль 密码
`
  .trim()
  .split(/\s+/);

const json = JSON.stringify;
const url = encodeURIComponent;
/** Header names are ASCII. */
const tokens = names.filter((name) => /^[\w-]+$/.test(name));

type Position = [title: string, input: string, redact: (input: string) => string];

function named(name: string, secret: string): Position[] {
  const bytes = [...new TextEncoder().encode(secret)];
  const escapes = bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const unicode = [...secret]
    .map((c) => [...Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''))
    .join('');
  return [
    ['query', `a=1&${url(name)}=${url(secret)}&z=2`, redactQuery],
    ['query, plain name', `${name}=${url(secret)}`, redactQuery],
    [
      'query, all escaped',
      `x=1;${[...new TextEncoder().encode(name)].map((b) => `%${b.toString(16)}`).join('')}=${escapes}`,
      redactQuery,
    ],
    ['query, URL inside', `next=${url(`https://h.example/cb?${name}=${url(secret)}`)}`, redactQuery],
    ['query, URL inside, twice escaped', `next=${url(url(`/cb?${name}=${url(secret)}`))}`, redactQuery],
    [
      'form',
      `${url(name)}=${url(secret)}`,
      (input) => redactBody(input, { type: 'application/x-www-form-urlencoded' }),
    ],
    ['json', json({ [name]: secret, other: 1 }), (input) => redactBody(input, { type: 'application/json' })],
    ['json, no type', json({ data: { [name]: secret } }), (input) => redactBody(input)],
    ['json, deep', json([{ a: [{ b: { [name]: { c: [secret] } } }] }]), (input) => redactBody(input)],
    ['json, as a pair', json({ headers: [{ name, value: secret }] }), (input) => redactBody(input)],
    ['json, in a string', json({ message: json({ [name]: secret }) }), (input) => redactBody(input)],
    ['json, escaped', `{"${name}":"${unicode}"}`, (input) => redactBody(input, { type: 'application/vnd.api+json' })],
    [
      'json, broken',
      `{"a":1,${json(name)}: ${json(secret)}, oops`,
      (input) => redactBody(input, { type: 'application/json' }),
    ],
    ['json, cut', `{"a":1,${json(name)}: ${json(secret).slice(0, -1)}`, (input) => redactBody(input)],
    ['json, two documents', `${json({ a: 1 })}\n${json({ [name]: [secret] })}`, (input) => redactBody(input)],
    ['json, quoted in a message', `could not parse {"a":1,${json(name)}:${json(secret)}}`, redactText],
  ];
}

function anywhere(secret: string): Position[] {
  const basic = Buffer.from(`user:${secret}`).toString('base64');
  return [
    ['authorization header', secret, (input) => json(redactHeaders([['authorization', `Bearer ${input}`]]))],
    ['cookie header', secret, (input) => json(redactHeaders([['Cookie', `a=b; sid=${input}; c=d`]]))],
    ['set-cookie header', secret, (input) => json(redactHeaders([['set-cookie', `sid=${input}; HttpOnly`]]))],
    ['proxy-authorization header', basic, (input) => json(redactHeaders([['Proxy-Authorization', `Basic ${input}`]]))],
    ['custom scheme', basic, (input) => json(redactHeaders([['x-forwarded-user', `Basic ${input}`]]))],
    ['headers in a text', `> Authorization: Token ${secret.split(/\s/)[0]}\n> Accept: */*`, redactText],
    ['cookies in a text', `Cookie: a=b; c=${secret.replace(/\n/g, '')}`, redactText],
    ['password of a URL', `cannot reach https://me:${url(secret)}@db.example:5432/x`, redactText],
    ['user of a URL', `cannot reach https://${url(secret)}@db.example/x`, redactText],
    ['path parameter', `/reset/${url(secret)}/now`, (input) => redactPath(input, { token: secret })],
    [
      'xml',
      `<login><user>me</user><ns:Password type="text">${url(secret)}</ns:Password></login>`,
      (input) => redactBody(input, { type: 'text/xml' }),
    ],
    [
      'xml attribute',
      `<login user="me" password="${url(secret)}"/>`,
      (input) => redactBody(input, { type: 'text/xml' }),
    ],
    ['xml, unclosed', `<a></a><password>${url(secret)}`, (input) => redactBody(input, { type: 'text/xml' })],
    [
      'multipart',
      `--x\r\nContent-Disposition: form-data; name="password"\r\n\r\n${secret}\r\n--x--`,
      (input) => redactBody(input, { type: 'multipart/form-data; boundary=x' }),
    ],
    [
      'pointer',
      json({ card: { items: [{ number: secret }] } }),
      (input) => redactBody(input, { pointers: ['/card/items/*/number'] }),
    ],
    [
      'pointer, not JSON',
      `number is ${secret}`,
      (input) => redactBody(input, { type: 'text/plain', pointers: ['/number'] }),
    ],
    ['private key', `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`, redactText],
    ['private key, cut', `key -----BEGIN RSA PRIVATE KEY-----\n${secret}`, redactText],
  ];
}

function unnamed(secret: string): Position[] {
  return [
    ['bearer in a sentence', `upstream refused Bearer ${secret} at 12:00`, redactText],
    ['bearer in a body', json({ note: `use Bearer ${secret}` }), (input) => redactBody(input)],
    ['value of an unknown parameter', `x=${url(secret)}`, redactQuery],
    ['name of a parameter', `a=1&${url(secret)}`, redactQuery],
    ['value of an unknown header', secret, (input) => json(redactHeaders([['x-unknown', input]]))],
    ['message', `the value ${secret} is not known`, redactText],
  ];
}

/** Every way in which a log could still show the secret. */
function shows(output: string, secret: string): boolean {
  const forms = [secret, url(secret), json(secret).slice(1, -1), Buffer.from(secret).toString('base64')];
  let decoded = output;
  const seen = [output];
  for (let round = 0; round < 3; round++) {
    try {
      seen.push((decoded = decodeURIComponent(decoded.replace(/\+/g, ' '))));
    } catch {
      break;
    }
  }
  seen.push(output.replace(/\\u([0-9a-f]{4})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))));
  return forms.some((form) => seen.some((text) => text.includes(form)));
}

function leaks(positions: Position[], secret: string): string[] {
  return positions
    .map(([title, input, redact]) => [title, input, redact(input)] as const)
    .filter(([, , output]) => shows(output, secret))
    .map(([title, input, output]) => `${title}: ${input.slice(0, 200)} → ${output.slice(0, 200)}`);
}

describe('canaries', () => {
  test.each(names)('never survive under the name %s', (name) => {
    expect(secrets.flatMap((secret) => leaks(named(name, secret), secret))).toEqual([]);
  });

  test.each(tokens)('never survive in the header or the assignment %s', (name) => {
    const positions = (secret: string): Position[] => [
      ['header', secret, (input) => json(redactHeaders([[name, input]]))],
      ['assignment', `failed with ${name}=${url(secret)} here`, redactText],
      ['assignment with a colon', `${name}: ${url(secret)}`, redactText],
      ['assignment in quotes', `options { ${name}: ${json(secret)} }`, redactText],
      ['in a URL', `GET https://h.example/a?b=c&${name}=${url(secret)} failed`, redactText],
      ['in a fragment', `https://h.example/cb#${name}=${url(secret)}`, redactText],
      [
        'in a referer',
        `https://h.example/a?${name}=${url(secret)}`,
        (input) => json(redactHeaders([['referer', input]])),
      ],
    ];
    expect(secrets.flatMap((secret) => leaks(positions(secret), secret))).toEqual([]);
  });

  test.each(secrets)('never survive where secrets belong: %s', (secret) => {
    expect(leaks(anywhere(secret), secret)).toEqual([]);
  });

  test.each(shaped)('are known by their shape: %s', (secret) => {
    expect(leaks(unnamed(secret), secret)).toEqual([]);
  });

  test('the table would notice a leak', () => {
    expect(leaks([['identity', `password=${url('a&b')}`, (input) => input]], 'a&b')).toHaveLength(1);
  });
});

describe('what stays readable', () => {
  test.each([
    'page=2&count=16&search=hello+world&sortBy=name',
    'from=2026-11-21T22%3A58%3A00Z&filter%5Bstate%5D=open&q=a%26b',
    'country_code=DE&statusCode=404&primaryKey=3&maxTokens=100&token_type=bearer',
    'id=3f2504e0-4f89-41d3-9a0c-0305e82c3301&cursor=abc&empty=&flag',
  ])('query %s', (query) => {
    expect(redactQuery(query)).toBe(query);
  });

  test.each([
    'Could not read https://example.com/a?b=c',
    'connect ECONNREFUSED 127.0.0.1:5432',
    'Bearer token missing',
    'Basic authentication is required',
    'at handle (file:///app/worker/index.js:120:7)',
    'The request body is not valid: /title must be a string',
    'http://host:8080/a?mail=b@c',
    'no such table: app_news',
    'getUserByIdAndNameOrEmail is not a function',
  ])('message %s', (message) => {
    expect(redactText(message)).toBe(message);
  });

  test.each([
    '/repos/octocat/hello/commits/3f786850e387550fdab836ed7e6dc881de23001b',
    '/users/3f2504e0-4f89-41d3-9a0c-0305e82c3301/things/a%2Fb',
    '/',
  ])('path %s', (path) => {
    expect(redactPath(path, { sha: '3f786850e387550fdab836ed7e6dc881de23001b' })).toBe(path);
  });

  test('ordinary headers', () => {
    const headers = {
      accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
      'cf-connecting-ip': '2001:db8::1',
      'cf-ray': '8b1f2c3d4e5f6a7b-FRA',
      'cf-visitor': '{"scheme":"https"}',
      'content-type': 'multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW',
      'if-none-match': '"3f786850e387550fdab836ed7e6dc881de23001b"',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0',
      'x-forwarded-for': '192.0.2.1, 198.51.100.7',
    };
    expect({ ...redactHeaders(Object.entries(headers)) }).toEqual(headers);
  });

  test('the rest of a body', () => {
    const body = {
      title: 'Bread',
      tags: ['a', 'b'],
      price: 3.5,
      ok: true,
      none: null,
      requiresPassword: true,
      code_name: 'x',
    };
    expect(JSON.parse(redactBody(json(body)))).toEqual(body);
    expect(
      JSON.parse(
        redactBody(json({ password: 'x', requiresToken: false, token: null, list: [{ key: 'color', value: 'red' }] })),
      ),
    ).toEqual({
      password: '***',
      requiresToken: false,
      token: null,
      list: [{ key: 'color', value: 'red' }],
    });
  });

  test.each([
    'statusCode',
    'keyboard',
    'passenger',
    'author',
    'sidebar',
    'pinned',
    'monkey',
    'encoding',
    'x-request-id',
    'Idempotency-Key',
  ])('name %s', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe('limits', () => {
  test('long values are measured, not shown', () => {
    expect(redactHeaders([['x-long', 'a'.repeat(5000)]])['x-long']).toBe('[5000 characters]');
  });

  test('bodies are cut, deep ones masked below the limit', () => {
    expect(redactBody('word '.repeat(10_000), { limit: 100 })).toBe(`${'word '.repeat(20)}… [50000 characters]`);
    const deep = `${'{"a":'.repeat(100)}"hunter2"${'}'.repeat(100)}`;
    expect(redactBody(deep)).toContain('***');
    expect(redactBody(deep)).not.toContain('hunter2');
  });

  test('a secret at the cut of a long body goes with it', () => {
    const secret = shaped[0]!;
    for (let ahead = 0; ahead <= secret.length; ahead++) {
      const shown = redactBody(`${'é '.repeat(32_768 - Math.ceil(ahead / 2))} ${secret}`, { limit: 1_000_000 });
      expect(shown).not.toContain('eyJhbGci');
    }
  });

  test('hostile texts are searched in linear time', () => {
    const fragments = [
      '"',
      '\\"a\\":',
      '<a>',
      'a=',
      '//',
      '//a:',
      '//@',
      'Bearer ',
      '%2',
      'eyJ',
      '"a',
      '\'"',
      '-----BEGIN-----',
      'authorization:',
      '[a]=',
      '{"token":',
      'a%3D',
      '<password>',
    ];
    for (const fragment of fragments) {
      const text = fragment.repeat(Math.ceil(100_000 / fragment.length));
      expect(redactText(text).length).toBeLessThanOrEqual(text.length * 3);
      redactBody(text);
      redactQuery(text);
      redactPath(text);
    }
  });
});

describe('printable', () => {
  const controls = [
    ...Array.from({ length: 32 }, (_, code) => code),
    ...Array.from({ length: 33 }, (_, code) => 127 + code),
    ...[0xad, 0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff],
  ].map((code) => String.fromCharCode(code));
  const hostile = controls.flatMap((control) => [
    `a${control}b`,
    `${control}[31mred`,
    `${control}\n${control}`,
    `\u001b]0;${control}\u0007`,
    control.repeat(9),
    `{"level":"${control}"}`,
  ]);

  test(`${hostile.length} hostile strings are inert`, () => {
    const inert = /^[^\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]*$/;
    expect(hostile.length).toBeGreaterThan(400);
    expect(hostile.filter((text) => !inert.test(printable(text)))).toEqual([]);
    expect(hostile.filter((text) => !inert.test(printableLines(text).replace(/[\n\t]/g, '')))).toEqual([]);
  });

  test('applied to JSON it keeps the value', () => {
    for (const text of hostile) {
      expect(JSON.parse(printable(json({ text })))).toEqual({ text });
    }
  });

  test('half a character is never left', () => {
    expect(cut('ab🔑', 3)).toBe('ab');
    expect(cut('ab🔑', 4)).toBe('ab🔑');
    expect(printable('a\ud83d')).toBe('a\ufffd');
  });
});
