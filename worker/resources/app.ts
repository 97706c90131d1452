import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { identity, json } from './columns.ts';
import { defineResource, metadataField, nameField, type Reading, type Row, toSeconds } from './define.ts';
import { checkScopes } from './scope-check.ts';
import { tokenName, tokens } from './token.ts';

export const apps = sqliteTable(
  'app',
  {
    ...identity,
    user_id: integer().notNull(),
    name: text().notNull(),
    url: text().notNull().default(''),
    parameters: text(),
    app_key: text().notNull(),
    /** Sealed: shown to the owner on request. */
    app_secret: json().notNull(),
    scopes: json().notNull(),
    metadata: json(),
    date: text().notNull(),
  },
  (table) => [
    uniqueIndex('app_name').on(table.tenant_id, table.user_id, table.name).where(sql`status < 4`),
    uniqueIndex('app_key').on(table.app_key),
  ],
);

/** A client of the API: key, secret and the scopes it may ask for. */
export const app = defineResource({
  name: 'app',
  title: 'App',
  description: 'A client of the API: key, secret and the scopes that it may ask for.',
  table: apps,
  versioned: false,
  unique: {},
  deleted: 4,
  fields: {
    userId: { schema: Type.Integer({ description: 'Owner' }), list: true, required: 'App user must not be empty' },
    status: {
      schema: Type.Integer({ description: '1 active, 2 pending, 3 deactivated', minimum: 0, maximum: 4 }),
      list: true,
      initial: 1,
    },
    name: nameField('a-zA-Z0-9_-', 3, 64),
    url: { schema: Type.String({ description: 'Redirect URI or home page', maxLength: 255 }), list: true, initial: '' },
    parameters: { schema: Type.String({ description: 'Parameters, as a query string' }) },
    appKey: { schema: Type.String({ description: 'Client id' }), list: true, readonly: true },
    appSecret: { schema: Type.String({ description: 'Client secret' }), readonly: true },
    scopes: { schema: Type.Array(Type.String(), { description: 'Scopes' }), initial: [] },
    tokens: {
      schema: Type.Array(Type.Unknown(), { description: 'The latest tokens that are good' }),
      readonly: true,
      virtual: true,
    },
    metadata: metadataField,
    date: { schema: Type.String({ description: 'When the app was created' }), list: true, readonly: true },
  },
  async prepare({ view, row, before, data }) {
    if (before === undefined) {
      row.date = new Date(view.now).toISOString().replace(/\.\d+Z$/, 'Z');
      row.app_key = crypto.randomUUID();
      const secret = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
      row.app_secret = await view.seal(secret, undefined, `app/${row.app_key}`);
    }
    // Fusio's clients say 0 for an app that nobody can use yet.
    row.status = row.status === 0 ? 3 : row.status;
    const owner = await view.get('user', row.user_id);
    if (owner === undefined || owner.status === 0) {
      throw invalidAt('/userId', 'Provided user id does not exist');
    }
    const same = await view.count(
      apps,
      sql`${apps.user_id} = ${row.user_id} AND ${apps.name} = ${row.name} AND ${apps.status} < 4 AND ${apps.id} <> ${row.id}`,
    );
    if (same > 0) {
      throw new ApiError('already_exists', 'App already exists');
    }
    if (row.url !== '' && row.url !== null && !/^(https?|[a-z][a-z0-9+.-]*):\/\/\S+$/i.test(row.url)) {
      throw invalidAt('/url', 'Invalid url format');
    }
    checkParameters(row.parameters ?? '');
    if (data.scopes !== undefined && data.scopes !== null) {
      await checkScopes(view, data.scopes, before?.scopes);
    }
    row.scopes = row.scopes ?? [];
    if (before !== undefined && row.user_id !== before.user_id) {
      await checkScopes(view, row.scopes);
    }
  },
  async extend(rows, entities, reading) {
    await Promise.all(
      rows.map(async (row, position) => {
        entities[position]!.appSecret = await reading.open(row.app_secret, `app/${row.app_key}`);
        entities[position]!.tokens = await tokensOf(row, reading);
      }),
    );
  },
});

const shownTokens = 16;

/** Their scopes under both names: Fusio says `scope`, and documents `scopes`. */
async function tokensOf({ id }: Row, reading: Reading): Promise<Record<string, unknown>[]> {
  const now = new Date(reading.now()).toISOString();
  const good = sql`${tokens.app_id} = ${id} AND ${tokens.status} = 1 AND ${tokens.expire} > ${now}`;
  const found = await reading.select(tokens, good, shownTokens);
  return found.map(({ id, status, scopes, ip, expire, date, ...row }) => ({
    ...{ id, status, name: tokenName(row), scopes, scope: scopes, ip },
    ...{ expire: toSeconds(expire), date: toSeconds(date) },
  }));
}

function checkParameters(parameters: string): void {
  for (const [key, value] of new URLSearchParams(parameters)) {
    if (!/^[A-Za-z0-9]+$/.test(key)) {
      throw invalidAt('/parameters', 'Invalid parameter key only alnum characters are allowed');
    }
    if (!/^[\x20-\x7e]*$/.test(value)) {
      throw invalidAt('/parameters', 'Invalid parameter value only printable ascii characters are allowed');
    }
  }
}
