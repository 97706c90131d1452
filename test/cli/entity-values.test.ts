import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readArguments } from '../../admin/cli/entity/arguments.ts';
import { membersOf, registry } from '../../admin/cli/entity/registry.ts';
import { findMember, overlay, readMembers } from '../../admin/cli/entity/values.ts';

function read(noun: string, words: string[], className?: string) {
  const members = membersOf(noun, className);
  const { options } = readArguments(words, (name) => findMember(members, name)?.schema.type === 'boolean');
  return readMembers(options, members);
}

it('options become members of the declared types, in either spelling', () => {
  const words = ['--http-method', 'GET', '--httpPath=/a', '--active', 'false', '--public', '--costs', '3'];
  const { data, complaints } = read('operation', [...words, '--scopes', 'a, b', '--scopes=c', '--no-description']);
  expect(complaints).toEqual([]);
  expect(data).toEqual({
    httpMethod: 'GET',
    httpPath: '/a',
    active: false,
    public: true,
    costs: 3,
    scopes: ['a', 'b', 'c'],
    description: null,
  });
  expect(read('operation', ['--no-active']).data).toEqual({ active: false });
});

it('nested members go as deep as they are declared, and into maps by their keys', () => {
  const { data } = read('operation', [
    ...['--options.cors.max-age=5', '--options.cors.origins', 'https://a.b,c', '--options.log.enabled'],
    ...['--parameters.page_size={"type":"integer"}', '--metadata.Team', 'a', '--metadata.level=7', '--throws.404=E'],
  ]);
  expect(data).toEqual({
    options: { cors: { maxAge: 5, origins: ['https://a.b,c'] }, log: { enabled: true } },
    parameters: { page_size: { type: 'integer' } },
    metadata: { Team: 'a', level: 7 },
    throws: { 404: 'E' },
  });
});

it('the class types the configuration', () => {
  const name = 'Fusio.Adapter.Http.Connection.Http';
  expect(read('connection', ['--config.username', '2', '--config.cache', '--config.timeout=2.5'], name).data).toEqual({
    config: { username: '2', cache: true, timeout: 2.5 },
  });
  expect(read('connection', ['--config.nothing', 'x'], name).complaints).toMatchObject([
    { flag: '--config.nothing', rule: 'option' },
  ]);
});

it('a value of another type is named by its option', () => {
  const wrong = ['--costs', 'much', '--active=maybe', '--options', '[1]', '--metadata', 'x', '--nonsense', '1'];
  const { complaints } = read('operation', wrong);
  expect(complaints.map(({ flag, rule }) => `${flag} ${rule}`)).toEqual([
    '--costs type',
    '--active type',
    '--options type',
    '--metadata type',
    '--nonsense option',
  ]);
  expect(() => read('operation', ['--name'])).toThrow('--name needs a value');
  expect(() => read('operation', ['--name', '--active'])).toThrow('--name needs a value');
  expect(read('operation', ['--name=--active']).data).toEqual({ name: '--active' });
});

it('objects come from files as well', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-values-'));
  writeFileSync(join(folder, 's.yaml'), 'type: object\n');
  expect(read('schema', ['--source', `@${join(folder, 's.yaml')}`]).data).toEqual({ source: { type: 'object' } });
  expect(read('schema', ['--source', '@/none']).complaints).toMatchObject([{ flag: '--source' }]);
  rmSync(folder, { recursive: true });
});

it('options win over what is below them, and leave the rest of it', () => {
  const given = read('action', ['--config.url=x', '--no-metadata']);
  expect(overlay({ config: { url: 'y', type: 'z' }, metadata: { a: 1 }, name: 'n' }, given)).toEqual({
    config: { url: 'x', type: 'z' },
    metadata: null,
    name: 'n',
  });
});

it('no two members of an entity share an option, and none is a switch of the command line', () => {
  for (const [noun, { members, filters }] of Object.entries(registry.entities)) {
    for (const names of [Object.keys(members), Object.keys(filters)]) {
      expect(new Set(names.map((name) => name.toLowerCase())).size, noun).toBe(names.length);
      expect(
        names.filter((name) => ['file', 'json', 'help', 'yes', 'all', 'start', 'count', 'columns'].includes(name)),
      ).toEqual([]);
    }
  }
});
