import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemOperations } from '../../worker/api/index.ts';
import { resources } from '../../worker/resources/index.ts';
import { entityBodies, inParallel, prepareEntities } from '../helpers/entity-bodies.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage } from '../helpers/management.ts';
import { ownShare } from '../helpers/share.ts';
import { injections as sqlInjections } from '../spec/sql-injections.ts';

// Texts that break programs, in every text member of every entity and operation, and in every search and filter.

const suite = join(import.meta.dirname, '../conformance/suites/naughty-strings/blns.json');
const naughty = (JSON.parse(readFileSync(suite, 'utf8')) as string[]).filter((text) => text !== '');
const injections = [
  `' OR '1'='1`,
  `'; DROP TABLE event; --`,
  `1) OR (1=1`,
  `a' UNION SELECT password FROM user --`,
  '%',
  '_',
  '100%',
  'a_c',
  '\\',
  '\\%',
  '$.name',
  '?1',
  ':name',
  'x'.repeat(60),
  `${'%'.repeat(30)}tail`,
  'naïve ÅNGSTRÖM',
  'İstanbul',
  '*',
  '[a-z]',
  'NULL',
  '0x41',
  'a\u0000b',
];

let gateway: Gateway;
let api: Management;
let serial = 0;

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  await prepareEntities(api);
}, 120_000);

afterAll(() => gateway?.stop());

/** Some of the strings at a time, all of them over the members; for every member all of the run's share in the full one. */
function* portions(size: number): Generator<string[]> {
  const all = [...naughty, ...injections];
  for (let start = 0; ; start += size) {
    yield process.env.POSTERN_FULL === undefined
      ? Array.from({ length: size }, (_, index) => all[(start + index * 37) % all.length]!)
      : ownShare(all);
  }
}

describe('naughty strings', () => {
  it('in any text of any entity come back unchanged, or are refused', async () => {
    const portion = portions(4);
    const cases = [...resources.values()].flatMap(({ name, fields, verbs }) =>
      Object.entries(fields)
        .filter(([, field]) => !field.readonly && (field.schema as { type?: unknown }).type === 'string')
        .flatMap(([member, field]) =>
          verbs.includes('create')
            ? (portion.next().value as string[]).map((text) => ({ name, member, text, hidden: field.hidden }))
            : [],
        ),
    );
    let kept = 0;
    await inParallel(cases, async ({ name, member, text, hidden }) => {
      const body = { ...entityBodies[name]!(`n${++serial}`), [member]: text };
      const created = await api.call('POST', `/backend/${name}`, body);
      const what = `${name}.${member} = ${JSON.stringify(text)}: ${created.status} ${JSON.stringify(created.body)}`;
      expect([201, 400], what).toContain(created.status);
      if (created.status === 201 && hidden !== true) {
        const read = await api.must('GET', `/backend/${name}/${created.body.id}`);
        expect(unchanged(name, member, text, read[member]), `${what} reads ${JSON.stringify(read[member])}`).toBe(true);
        kept++;
      }
    });
    expect(kept).toBeGreaterThan(cases.length / 10);
  }, 600_000);

  /**
   * A slug is made of what is given, an operation of the method GET has no body, and a reference is told with its scheme
   * (some of the names exist by now).
   */
  function unchanged(name: string, member: string, text: string, read: unknown): boolean {
    const changes = ['page.slug', 'operation.incoming'].includes(`${name}.${member}`);
    return changes || read === text || read === `schema://${text}` || read === `action://${text}`;
  }

  it('in keys and values of metadata come back unchanged', async () => {
    const texts = process.env.POSTERN_FULL === undefined ? naughty.filter((_, index) => index % 8 === 0) : naughty;
    const metadata = Object.fromEntries(
      texts.flatMap((text, index) => [
        [`k${index}`, text],
        [text, index],
      ]),
    );
    const withMetadata = [...resources.values()].filter(({ fields }) => 'metadata' in fields);
    await inParallel(withMetadata, async ({ name }) => {
      const { id } = await api.must('POST', `/backend/${name}`, { ...entityBodies[name]!(`m${++serial}`), metadata });
      expect((await api.must('GET', `/backend/${name}/${id}`)).metadata, name).toEqual(metadata);
    });
  }, 300_000);

  it('in bodies and paths of the other operations are never more than the platform can take', async () => {
    const entityNames = new Set([...resources.keys()]);
    const portion = portions(1);
    const others = systemOperations.filter(
      ({ name, incoming, method }) =>
        name !== 'authorization.revoke' &&
        (!entityNames.has(name.split('.')[1]!) || (incoming !== undefined && method !== 'PUT')),
    );
    const cases = others.flatMap((operation) => {
      const members = Object.entries((operation.incoming as { properties?: Record<string, any> })?.properties ?? {})
        .filter(([, schema]) => [schema.type].flat().includes('string'))
        .map(([member]) => member);
      const texts = portion.next().value as string[];
      return texts.map((text) => ({ operation, members, text }));
    });
    await inParallel(cases, async ({ operation, members, text }) => {
      const path = operation.path
        .replace(/\$\w+<[^>]*>/g, '7654321')
        .replace(/:\w+/g, () => encodeURIComponent(text.toWellFormed()).replaceAll('.', '%2E') || 'x');
      const body = Object.fromEntries(members.map((member) => [member, text]));
      const answer = await api.call(
        operation.method,
        path,
        operation.method === 'GET' || operation.method === 'DELETE' ? undefined : body,
      );
      const told =
        answer.status < 500 || ['not_implemented', 'not_configured', 'egress_denied'].includes(answer.body.code);
      expect(told, `${operation.name} ${path} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`).toBe(true);
    });
  }, 600_000);
});

describe('searches', () => {
  const fold = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const contains = (text: string, part: string) => fold(text).includes(fold(part));

  /** All entries of a list, page by page. */
  async function everything(path: string, query = ''): Promise<Record<string, any>[]> {
    const entries: Record<string, any>[] = [];
    for (let page = [{}]; page.length > 0; entries.push(...page)) {
      page = (await api.must('GET', `${path}?count=1024&startIndex=${entries.length}${query}`)).entry;
    }
    return entries;
  }

  it('find what contains a text literally, in every list', async () => {
    const words = [...injections.filter((text) => !text.includes('"')), 'plain', 'Plain text'];
    const rows = words.map((description) => ({ name: `literal-${++serial}`, description: `${description} end` }));
    await inParallel(rows, async (row) => {
      await api.must('POST', '/backend/event', row);
    });
    const all = (await everything('/backend/event')) as { name: string; description: string }[];
    await inParallel(words, async (word) => {
      const search = encodeURIComponent(`description:"${word}"`);
      const found = await everything('/backend/event', `&search=${search}`);
      const expected = all.filter(({ description = '' }) => contains(description, word)).map(({ name }) => name);
      expect(found.map(({ name }) => name).sort(), word).toEqual(expected.sort());
      // Beside another term, and negated.
      const negated = await api.must(
        'GET',
        `/backend/event?count=1024&search=${encodeURIComponent(`NOT description:"${word}" AND literal`)}`,
      );
      const rest = all.filter(
        ({ name, description = '' }) => contains(name, 'literal') && !contains(description, word),
      );
      expect(negated.totalResults, `NOT ${word}`).toBe(rest.length);
    });
  }, 120_000);

  it('find the same literally in the default column of every entity', async () => {
    const texts = injections.filter((text) => !text.includes('"'));
    await inParallel([...resources.values()], async ({ name, search }) => {
      const all = await everything(`/backend/${name}`);
      for (const text of process.env.POSTERN_FULL === undefined ? texts.slice(0, 6) : texts) {
        const found = await everything(`/backend/${name}`, `&search=${encodeURIComponent(`"${text}"`)}`);
        const expected = all.filter((row) => contains(row[search] ?? '', text)).map(({ id }) => id);
        expect(
          found.map(({ id }) => id),
          `${name} ${text}`,
        ).toEqual(expected);
      }
    });
  }, 120_000);

  it('and the filters of changes, tokens and payments', async () => {
    const texts = process.env.POSTERN_FULL === undefined ? injections : sqlInjections(1_500);
    const rows = JSON.stringify(texts.map((text) => [text]));
    const each = `SELECT value->>0, value->>0, value->>0, '2016-03-01T00:00:00Z', key FROM json_each(?)`;
    await gateway.DB.batch([
      gateway.DB.prepare(`INSERT INTO audit (event, message, ip, date, user_id) ${each}`).bind(rows),
      gateway.DB.prepare(
        `INSERT INTO token (scopes, ip, name, date, jti, user_id, expire)
        SELECT json_array(value->>0), value->>0, value->>0, '2016-03-01T00:00:00Z', 'odd-' || key, 1, '2099-01-01' FROM json_each(?)`,
      ).bind(rows),
      gateway.DB.prepare(
        `INSERT INTO "transaction" (provider, transaction_id, user_id, amount, points, insert_date)
        SELECT value->>0, value->>0, 1, 1, 1, '2016-03-01T00:00:00Z' FROM json_each(?)`,
      ).bind(rows),
    ]);
    const { results } = await gateway.DB.prepare(
      `SELECT message AS text FROM audit WHERE date = '2016-03-01T00:00:00Z'`,
    ).all<{ text: string }>();
    const kept = results.map(({ text }) => text);
    await inParallel(ownShare(texts), async (text) => {
      const same = kept.filter((one) => one === text).length;
      const part = kept.filter((one) => contains(one, text)).length;
      for (const [list, filter, expected] of [
        ['audit', 'event', part],
        ['audit', 'message', part],
        ['audit', 'ip', same],
        ['token', 'scope', same],
        ['token', 'ip', same],
        ['transaction', 'provider', same],
      ] as const) {
        const found = await api.must(
          'GET',
          `/backend/${list}?from=2016-03-01&to=2016-03-01&count=1&${filter}=${encodeURIComponent(text)}`,
        );
        expect([list, filter, text, found.totalResults]).toEqual([list, filter, text, expected]);
      }
    });
  }, 500_000);

  const lists = systemOperations.filter(
    ({ method, query = {}, name }) => method === 'GET' && 'search' in query && !/statistic/.test(name),
  );

  it('and other texts in any parameter of any list never break it', async () => {
    const texts = process.env.POSTERN_FULL === undefined ? injections : ownShare([...injections, ...naughty]);
    const cases = lists.flatMap((operation, place) =>
      Object.entries(operation.query ?? {})
        .filter(([, parameter]) => parameter.type === 'string')
        .flatMap(([parameter], index) =>
          texts
            .filter((_, at) => process.env.POSTERN_FULL !== undefined || (at + index + place) % 6 === 0)
            .map((text) => ({ operation, parameter, text })),
        ),
    );
    await inParallel(cases, async ({ operation, parameter, text }) => {
      const path = operation.path
        .replace(/\$\w+<[^>]*>/g, '1')
        .replace(':type', 'event')
        .replace(/:\w+/g, 'x');
      const answer = await api.call('GET', `${path}?count=1&${parameter}=${encodeURIComponent(text)}`);
      const what = `${path} ${parameter}=${JSON.stringify(text)}: ${JSON.stringify(answer.body)}`;
      expect(answer.status < 500 || answer.body.code === 'not_configured', what).toBe(true);
    });
  }, 600_000);
});
